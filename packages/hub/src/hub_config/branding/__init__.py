"""The operator's own name, logo and colour: checked, then written where pages find them."""
