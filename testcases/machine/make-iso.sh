#!/usr/bin/env bash
# make-iso.sh OUT KERNEL [WORD...]: an image with GRUB that starts a Multiboot kernel at once, as CD or as hard disk.
# Status 77, and the reason, when a tool is missing.
set -euo pipefail

out=$1 kernel=$2
shift 2
for tool in grub-mkrescue xorriso mformat; do
    command -v $tool >/dev/null || { echo "SKIP: $tool was not found"; exit 77; }
done
[ -e /usr/lib/grub/i386-pc/boot.img ] || { echo "SKIP: GRUB for the PC BIOS (grub-pc-bin) was not found"; exit 77; }

dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/iso/boot/grub"
cp "$kernel" "$dir/iso/boot/kernel.elf"
printf 'set timeout=0\nset default=0\nmenuentry kernel {\n    multiboot /boot/kernel.elf %s\n    boot\n}\n' "$*" >"$dir/iso/boot/grub/grub.cfg"
grub-mkrescue -d /usr/lib/grub/i386-pc -o "$out" "$dir/iso" >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
