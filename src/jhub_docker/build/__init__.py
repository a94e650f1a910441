"""From a context to a tagged image: plan, bake, tag; bases; images in the engine."""
