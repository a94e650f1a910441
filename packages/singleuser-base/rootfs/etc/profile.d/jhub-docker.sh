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
# A terminal opened while a first server still starts waits for them, as kernels do: until then `pip`
# is the image's, which can install nothing. This file is written last.
[ -z "${JHUB_PACKAGES:-}" ] || [ -e "$JHUB_PACKAGES/image-packages" ] || my-packages refresh || :
