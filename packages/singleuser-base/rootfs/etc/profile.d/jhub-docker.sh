# A login shell (a terminal in the browser is one) sets PATH anew; keep the image's programs on it.
case ":$PATH:" in
    *:/opt/venv/bin:*) ;;
    *) PATH="/opt/venv/bin:/usr/local/sbin:$PATH:/usr/sbin:/sbin:$HOME/.local/bin" ;;
esac
