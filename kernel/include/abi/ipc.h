/* SPDX-License-Identifier: MIT */
/* System V IPC and POSIX message queues on the wire (sysvipc(7), mq_overview(7)). */
#ifndef ABI_IPC_H
#define ABI_IPC_H
#include <stdint.h>
enum { IPC_PRIVATE = 0, IPC_CREAT = 01000, IPC_EXCL = 02000, IPC_NOWAIT = 04000 };
enum { IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3 };
enum { SHM_LOCK = 11, SHM_UNLOCK = 12, SHM_STAT = 13, SHM_INFO = 14, SHM_STAT_ANY = 15 };
enum { SHM_RDONLY = 010000, SHM_RND = 020000, SHM_REMAP = 040000, SHM_EXEC = 0100000, SHM_NORESERVE = 010000, SHM_HUGETLB = 04000,
	SHM_DEST = 01000, SHM_LOCKED = 02000 };
enum { MSG_STAT = 11, MSG_INFO = 12, MSG_STAT_ANY = 13, MSG_NOERROR = 010000, MSG_EXCEPT = 020000, MSG_COPY = 040000 };
enum { GETPID = 11, GETVAL = 12, GETALL = 13, GETNCNT = 14, GETZCNT = 15, SETVAL = 16, SETALL = 17, SEM_STAT = 18, SEM_INFO = 19,
	SEM_STAT_ANY = 20, SEM_UNDO = 0x1000 };

struct abi_ipc_perm {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad;
	uint32_t pad1;		/* named: what a structure on the stack has between members goes to programs, too */
	uint64_t unused[2];
};
struct abi_shmid_ds {
	struct abi_ipc_perm perm;
	uint64_t segsz;
	int64_t atime, dtime, ctime;
	int32_t cpid, lpid;
	uint64_t nattch, unused[2];
};
struct abi_msqid_ds {
	struct abi_ipc_perm perm;
	int64_t stime, rtime, ctime;
	uint64_t cbytes, qnum, qbytes;
	int32_t lspid, lrpid;
	uint64_t unused[2];
};
struct abi_semid_ds {
	struct abi_ipc_perm perm;
	int64_t otime;
#ifdef EFT_CPU_x86_64
	uint64_t unused1;
#endif
	int64_t ctime;
#ifdef EFT_CPU_x86_64
	uint64_t unused2;
#endif
	uint64_t nsems, unused[2];
};
struct abi_sembuf { uint16_t num; int16_t op, flg; };
struct abi_seminfo { int32_t semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem; };
struct abi_msginfo { int32_t msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql; uint16_t msgseg, pad; };
struct abi_shminfo { uint64_t shmmax, shmmin, shmmni, shmseg, shmall, unused[4]; };
struct abi_shm_info { int32_t used_ids, pad; uint64_t shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes; };
struct abi_mq_attr { int64_t flags, maxmsg, msgsize, curmsgs, reserved[4]; };
_Static_assert(sizeof(struct abi_ipc_perm) == 48, "struct ipc64_perm");
_Static_assert(sizeof(struct abi_shmid_ds) == 112, "struct shmid64_ds");
_Static_assert(sizeof(struct abi_msqid_ds) == 120, "struct msqid64_ds");
#endif
