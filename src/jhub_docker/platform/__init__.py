"""The running platform: what the operator's tasks do with `compose.yaml`.

`compose` reads that file through Compose itself, so that it stays the only place that states names,
`refusals` says what it cannot use, `chosen` adds what nobody has set, `configuration` checks
settings, `building` has images built, `containers` finds what runs, `entrance` knows where people
come in and `hearing` asks there, `ports` whether that can be, `left_over` what is nobody's, `now`
has the hub say what goes on, `starting` and `stopping` act. `upgrading` goes from one set of images
to another, `before` knows what there was, `canary` tries it out by `browsing` in the hub's
container.
"""
