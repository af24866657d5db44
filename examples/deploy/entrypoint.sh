#!/bin/sh
# What the container runs:
#   (nothing)            the configuration in /etc/alloypy
#   --flag ...           the same, with more flags of `alloypy run`; if one is repeated, the last counts
#   a command ...        that command of alloypy: `run FILE`, `fmt --check FILE`, `validate DIR`, ...
#   healthcheck          checks whether the admin server says that alloypy is ready
# The admin server listens on all addresses of the container. It has no authentication unless the
# configuration's http block sets it up: publish its port to trusted networks only.
set -eu

config=/etc/alloypy
admin_port=12345

case "${1-}" in
healthcheck)
	exec /opt/alloypy/bin/python -c "
import sys, urllib.request
try:
    urllib.request.urlopen('http://127.0.0.1:$admin_port/-/ready', timeout=4)
except OSError as error:
    sys.exit(f'not ready: {error}')"
	;;
'' | -*) ;;
*) exec alloypy "$@" ;;
esac

found=
for file in "$config"/*.alloy; do
	if [ -e "$file" ]; then found=yes; fi
done
if [ -z "$found" ]; then
	echo "no *.alloy files in $config: mount your configuration there" >&2
	exit 2
fi
exec alloypy run --stability.level=public-preview --storage.path=/var/lib/alloypy \
	--server.http.listen-addr="0.0.0.0:$admin_port" "$@" "$config"
