"""System calls that are taken from workers, and their numbers on each architecture.

The numbers are Linux's, arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h.
"""

from __future__ import annotations

from typing import Final

# AUDIT_ARCH of linux/audit.h.
ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# What reaches into other processes or the kernel: no driver needs it.
ALWAYS_DENIED: Final = [
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "swapon",
    "swapoff",
    "quotactl",
    "quotactl_fd",
    "acct",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "reboot",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "lookup_dcookie",
    "unshare",
    "setns",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "fanotify_init",
    "name_to_handle_at",
    "open_by_handle_at",
    "iopl",
    "ioperm",
    "clock_settime",
    "clock_adjtime",
    "settimeofday",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "syslog",
    "mknod",
    "mknodat",
]

# What reaches other machines, and services of this one.
NETWORK: Final = [
    "socket",
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "shmget",
    "shmat",
    "shmctl",
    "msgget",
    "msgsnd",
    "msgrcv",
    "msgctl",
    "semget",
    "semop",
    "semtimedop",
    "semctl",
    "mq_open",
    "mq_unlink",
]

# What changes files that cannot be opened: Landlock does not know these.
OTHERS_FILES: Final = [
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "setxattrat",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "removexattrat",
    "utime",
    "utimes",
    "futimesat",
    "utimensat",
]

# What makes processes.
PROCESSES: Final = ["fork", "vfork", "execve", "execveat"]

# What deals with other processes.
OTHERS_PROCESSES: Final = [
    "tkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "pidfd_send_signal",
    "process_mrelease",
    "setpriority",
    "ioprio_set",
    "sched_setparam",
    "migrate_pages",
    "move_pages",
]

_EVERYWHERE: Final = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "process_mrelease": 448,
    "fchmodat2": 452,
    "setxattrat": 463,
    "removexattrat": 466,
}


def _numbers(text: str) -> dict[str, int]:
    words = text.split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True)) | _EVERYWHERE


_X86_64: Final = _numbers(
    "shmget 29 shmat 30 shmctl 31 socket 41 connect 42 accept 43 bind 49 listen 50 "
    "socketpair 53 clone 56 fork 57 vfork 58 execve 59 kill 62 semget 64 semop 65 "
    "semctl 66 msgget 68 msgsnd 69 msgrcv 70 msgctl 71 chmod 90 fchmod 91 chown 92 "
    "fchown 93 lchown 94 ptrace 101 syslog 103 rt_sigqueueinfo 129 utime 132 mknod 133 "
    "setpriority 141 sched_setparam 142 sched_setscheduler 144 pivot_root 155 adjtimex 159 "
    "chroot 161 acct 163 settimeofday 164 mount 165 umount2 166 swapon 167 swapoff 168 "
    "reboot 169 sethostname 170 setdomainname 171 iopl 172 ioperm 173 init_module 175 "
    "delete_module 176 quotactl 179 setxattr 188 lsetxattr 189 fsetxattr 190 "
    "removexattr 197 lremovexattr 198 fremovexattr 199 tkill 200 sched_setaffinity 203 "
    "lookup_dcookie 212 semtimedop 220 clock_settime 227 tgkill 234 utimes 235 mq_open 240 "
    "mq_unlink 241 kexec_load 246 add_key 248 request_key 249 keyctl 250 ioprio_set 251 "
    "migrate_pages 256 mknodat 259 fchownat 260 futimesat 261 fchmodat 268 unshare 272 "
    "move_pages 279 utimensat 280 accept4 288 rt_tgsigqueueinfo 297 perf_event_open 298 "
    "fanotify_init 300 prlimit64 302 name_to_handle_at 303 open_by_handle_at 304 "
    "clock_adjtime 305 setns 308 process_vm_readv 310 process_vm_writev 311 kcmp 312 "
    "finit_module 313 sched_setattr 314 kexec_file_load 320 bpf 321 execveat 322 "
    "userfaultfd 323"
)

_AARCH64: Final = _numbers(
    "setxattr 5 lsetxattr 6 fsetxattr 7 removexattr 14 lremovexattr 15 fremovexattr 16 "
    "lookup_dcookie 18 ioprio_set 30 mknodat 33 umount2 39 mount 40 pivot_root 41 "
    "chroot 51 fchmod 52 fchmodat 53 fchownat 54 fchown 55 quotactl 60 utimensat 88 "
    "acct 89 unshare 97 kexec_load 104 init_module 105 delete_module 106 clock_settime 112 "
    "syslog 116 ptrace 117 sched_setparam 118 sched_setscheduler 119 sched_setaffinity 122 "
    "kill 129 tkill 130 tgkill 131 rt_sigqueueinfo 138 setpriority 140 reboot 142 "
    "sethostname 161 setdomainname 162 settimeofday 170 adjtimex 171 mq_open 180 "
    "mq_unlink 181 msgget 186 msgctl 187 msgrcv 188 msgsnd 189 semget 190 semctl 191 "
    "semtimedop 192 semop 193 shmget 194 shmctl 195 shmat 196 socket 198 socketpair 199 "
    "bind 200 listen 201 accept 202 connect 203 add_key 217 request_key 218 keyctl 219 "
    "clone 220 execve 221 swapon 224 swapoff 225 migrate_pages 238 move_pages 239 "
    "rt_tgsigqueueinfo 240 perf_event_open 241 accept4 242 prlimit64 261 fanotify_init 262 "
    "name_to_handle_at 264 open_by_handle_at 265 clock_adjtime 266 setns 268 "
    "process_vm_readv 270 process_vm_writev 271 kcmp 272 finit_module 273 "
    "sched_setattr 274 bpf 280 execveat 281 userfaultfd 282 kexec_file_load 294"
)

NUMBERS: Final = {"x86_64": _X86_64, "aarch64": _AARCH64}
