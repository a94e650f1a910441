# A login shell (a terminal in the browser is one) sets PATH anew; keep the image's programs on it,
# and before them those of one's own packages.
case ":$PATH:" in
    *:/opt/venv/bin:*) ;;
    *) PATH="/opt/venv/bin:/usr/local/sbin:$PATH:/usr/sbin:/sbin:$HOME/.local/bin" ;;
esac
case ":$PATH:${JHUB_PACKAGES:-}:" in
    *"::" | *":${JHUB_PACKAGES:-}/bin:"*) ;;
    *) PATH="$JHUB_PACKAGES/bin:$PATH" ;;
esac
