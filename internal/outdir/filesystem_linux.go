package outdir

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// fileSystems names the kinds of file systems that people keep files on, by the magic number of statfs(2).
var fileSystems = map[uint32]string{
	0x01021994: "tmpfs", 0xEF53: "ext4", 0x58465342: "xfs", 0x9123683E: "btrfs", 0x2FC12FC1: "zfs", 0x794C7630: "overlay",
	0x6969: "nfs", 0xFF534D42: "cifs", 0xFE534D42: "cifs", 0x517B: "smbfs", 0x65735546: "fuse", 0x01021997: "9p, as WSL mounts Windows drives",
	0x53464846: "drvfs", 0x4D44: "vfat", 0x2011BAB0: "exfat", 0x5346544E: "ntfs", 0x7366746E: "ntfs", 0x786F4256: "vboxsf", 0xBACBACBC: "vmhgfs",
	0x00C36400: "ceph", 0x0BD00BD0: "lustre", 0x47504653: "gpfs",
}

// fileSystemOf names the kind of file system that a file is on, or returns "" when it cannot be asked.
func fileSystemOf(f *os.File) string {
	var stat unix.Statfs_t
	if unix.Fstatfs(int(f.Fd()), &stat) != nil {
		return ""
	}
	if name, ok := fileSystems[uint32(stat.Type)]; ok {
		return name
	}
	return fmt.Sprintf("statfs type %#x", uint32(stat.Type))
}
