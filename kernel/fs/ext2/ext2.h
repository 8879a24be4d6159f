/* SPDX-License-Identifier: MIT */
/*
 * ext2, inside: the format on the disk, and what is kept in memory of it.
 * Specification: "The Second Extended File System" (nongnu.org/ext2-doc);
 * where it is silent, what e2fsck accepts.
 *
 * All numbers on the disk are little-endian, as our CPUs are.
 */
#ifndef EXT2_H
#define EXT2_H
#include <kernel/block.h>
#include <kernel/vfs.h>

enum { EXT2_MAGIC = 0xef53, EXT2_ROOT_INO = 2, EXT2_NDIR = 12, EXT2_IND = 12, EXT2_DIND = 13, EXT2_TIND = 14, EXT2_N_BLOCKS = 15,
	EXT2_NAME_LEN = 255, EXT2_LINK_MAX = 32000 };
enum { EXT2_VALID_FS = 1, EXT2_ERROR_FS = 2 };		/* s_state */
enum { EXT2_ERRORS_CONTINUE = 1, EXT2_ERRORS_RO = 2, EXT2_ERRORS_PANIC = 3 };
enum { EXT2_INCOMPAT_FILETYPE = 2, EXT2_INCOMPAT_SUPPORTED = EXT2_INCOMPAT_FILETYPE };
enum { EXT2_RO_SPARSE_SUPER = 1, EXT2_RO_LARGE_FILE = 2, EXT2_RO_BTREE_DIR = 4,
	EXT2_RO_SUPPORTED = EXT2_RO_SPARSE_SUPER | EXT2_RO_LARGE_FILE | EXT2_RO_BTREE_DIR };
enum { EXT2_COMPAT_EXT_ATTR = 8 };
enum { EXT2_SYNC_FL = 8, EXT2_IMMUTABLE_FL = 0x10, EXT2_APPEND_FL = 0x20, EXT2_NODUMP_FL = 0x40, EXT2_NOATIME_FL = 0x80,
	EXT2_INDEX_FL = 0x1000, EXT2_FL_USER_VISIBLE = 0x000bdfff, EXT2_FL_USER_MODIFIABLE = 0x000380ff };
enum { EXT2_FT_UNKNOWN, EXT2_FT_REG, EXT2_FT_DIR, EXT2_FT_CHR, EXT2_FT_BLK, EXT2_FT_FIFO, EXT2_FT_SOCK, EXT2_FT_LNK };

struct ext2_super_block {
	uint32_t s_inodes_count, s_blocks_count, s_r_blocks_count, s_free_blocks_count, s_free_inodes_count;
	uint32_t s_first_data_block, s_log_block_size, s_log_frag_size, s_blocks_per_group, s_frags_per_group, s_inodes_per_group;
	uint32_t s_mtime, s_wtime;
	uint16_t s_mnt_count, s_max_mnt_count, s_magic, s_state, s_errors, s_minor_rev_level;
	uint32_t s_lastcheck, s_checkinterval, s_creator_os, s_rev_level;
	uint16_t s_def_resuid, s_def_resgid;
	/* from revision 1 on */
	uint32_t s_first_ino;
	uint16_t s_inode_size, s_block_group_nr;
	uint32_t s_feature_compat, s_feature_incompat, s_feature_ro_compat;
	uint8_t s_uuid[16];
	char s_volume_name[16], s_last_mounted[64];
	uint8_t pad[32];	/* preallocation, journal: not ours */
	uint32_t s_last_orphan;	/* 232: orphan.c */
	uint8_t pad2[112];	/* hash seed, default options: not ours */
	uint16_t s_min_extra_isize, s_want_extra_isize;		/* 348, 350 (ext4's place for them) */
	uint8_t rest[672];
};
_Static_assert(sizeof(struct ext2_super_block) == 1024, "super block");
_Static_assert(offsetof(struct ext2_super_block, s_last_orphan) == 232, "super block");
_Static_assert(offsetof(struct ext2_super_block, s_want_extra_isize) == 350, "super block");

struct ext2_group_desc {
	uint32_t bg_block_bitmap, bg_inode_bitmap, bg_inode_table;
	uint16_t bg_free_blocks_count, bg_free_inodes_count, bg_used_dirs_count, bg_flags;
	uint32_t bg_reserved[3];
};
_Static_assert(sizeof(struct ext2_group_desc) == 32, "group descriptor");

struct ext2_raw_inode {
	uint16_t i_mode, i_uid;
	uint32_t i_size, i_atime, i_ctime, i_mtime, i_dtime;
	uint16_t i_gid, i_links_count;
	uint32_t i_blocks, i_flags, i_osd1;
	uint32_t i_block[EXT2_N_BLOCKS];
	uint32_t i_generation, i_file_acl, i_size_high, i_faddr;
	uint16_t i_blocks_high, i_file_acl_high, i_uid_high, i_gid_high;
	uint32_t i_osd2;
	/* inodes of more than 128 bytes */
	uint16_t i_extra_isize, i_checksum_hi;
	uint32_t i_ctime_extra, i_mtime_extra, i_atime_extra, i_crtime, i_crtime_extra;
};
_Static_assert(offsetof(struct ext2_raw_inode, i_extra_isize) == 128, "inode");
enum { EXT2_EXTRA_ISIZE = 24 };	/* through i_crtime_extra */

struct ext2_dirent { uint32_t inode; uint16_t rec_len; uint8_t name_len, file_type; char name[]; };
#define EXT2_REC_LEN(n) (((unsigned)(n) + 8 + 3) & ~3u)

struct ext2_group {
	struct mutex lock;		/* [SUPER] the group's bitmaps and counts */
	uint32_t block_bitmap, inode_bitmap, inode_table;	/* [I] */
	uint32_t free_blocks, free_inodes, dirs;		/* [lock]; read without it as hints */
	bool bad;			/* [lock] its bitmaps are not believed: nothing is allocated here */
};
struct ext2_sb {
	struct super *super;
	struct blkdev *dev;
	unsigned block_size, block_bits;	/* [I] */
	unsigned per_block;			/* [I] block numbers in a block */
	unsigned inode_size, first_ino, extra_isize;	/* [I] */
	uint32_t inodes_per_group, blocks_per_group, ngroups;	/* [I] */
	uint32_t first_data_block, blocks_count, inodes_count, itable_blocks;	/* [I] */
	uint32_t overhead;			/* [I] blocks of the file system's own */
	uint32_t reserved_blocks;		/* [I] for root */
	uint32_t resuid, resgid;		/* [I] who may use them too */
	struct ext2_group *groups;		/* [I] */
	struct buffer sb_buf;			/* [lock] */
	struct ext2_super_block *es;		/* [lock] in sb_buf */
	struct buffer *gd_bufs;			/* [I] the descriptors' blocks, held */
	unsigned gd_blocks;
	int64_t free_blocks, free_inodes, dirs;	/* [a] */
	struct mutex lock;			/* [FS_META] the super block's buffer */
	unsigned errors;			/* what to do about one */
	bool error_seen;			/* [a] */
	bool stopped;				/* [a] read-only because of an error, for good */
	errseq_t told;				/* [lock] errors of writing metadata: has was_clean heard of them? */
	bool was_clean;				/* [lock] when mounted for writing, and all was written since */
	bool writing;				/* [super] mounted for writing: the disk says "not clean" */
	uint32_t generation;			/* [a] for new inodes */
	struct mutex orphan_lock;		/* [EXT2_ORPHAN] */
	struct list_head orphans;		/* [orphan_lock] ext2_inode.orphan_link, newest first */
	bool recovering;			/* [I] after the mount: orphans may be read */
};
struct ext2_inode {
	struct rwsem map_lock;		/* [EXT2_MAP] block map */
	uint32_t block[EXT2_N_BLOCKS];	/* [map_lock] */
	uint32_t flags;			/* [inode lock] EXT2_*_FL */
	uint32_t generation;
	uint32_t file_acl;		/* [inode lock, map_lock] */
	bool fast_link;			/* [I] a symbolic link whose text is in block[] */
	uint32_t dtime;			/* [raw_lock] of an orphan: the next one's number */
	uint32_t group;			/* [I] of the inode */
	uint32_t run_seq;		/* [a] odd: the run is being changed */
	uint32_t run_lblk, run_phys, run_count;	/* [a] the run looked up last, as of run_seq; blocks, none is a hole */
	uint32_t next_alloc_lblk, next_alloc_goal;	/* [map_lock] a sequential writer goes on here */
	uint32_t dir_hint;		/* [inode lock] directories: block where there may be room */
	struct list_head orphan_link;	/* [sb->orphan_lock] */
	struct inode *inode;		/* [sb->orphan_lock] of an orphan */
	struct ext2_dir_index *index;	/* [inode lock] directories: dir_index.c; made under index_lock */
	struct mutex index_lock;	/* [EXT2_DIR] */
	struct mutex raw_lock;		/* [FS_META] one writer of the inode on the disk */
};

static inline struct ext2_sb *ext2_sb(const struct super *s) { return s->fs_private; }
static inline struct ext2_inode *ext2_i(const struct inode *i) { return i->fs_private; }
static inline bool ext2_block_ok(const struct ext2_sb *sb, uint64_t b, uint64_t n)
{
	return b >= sb->first_data_block && b < sb->blocks_count && n <= sb->blocks_count - b;
}
/* The image is not as it should be: says so, remembers it, may make the file system read-only. */
void ext2_error(struct ext2_sb *sb, const char *fmt, ...) PRINTF_LIKE(2, 3) COLD;
struct ext2_group_desc *ext2_group_desc(struct ext2_sb *sb, uint32_t g, struct buffer **buf);
void ext2_group_update(struct ext2_sb *sb, uint32_t g);		/* [group lock] counts to the descriptor */
int ext2_set_large_file(struct ext2_sb *sb);

/* balloc.c: up to *count consecutive blocks, near goal.  0 or -ENOSPC, -EIO. */
int ext2_alloc_blocks(struct ext2_sb *sb, uint32_t goal, uint32_t *first, uint32_t *count) MUST_CHECK;
int ext2_free_blocks(struct ext2_sb *sb, uint32_t first, uint32_t count);
/* ialloc.c */
int ext2_alloc_inode(struct inode *dir, uint32_t mode, uint32_t *ino) MUST_CHECK;
void ext2_free_inode(struct ext2_sb *sb, uint32_t ino, bool is_dir);

/* map.c: logical block to physical: *phys 0 is a hole; *count: so many follow alike (at least 1, at most max). */
int ext2_map(struct inode *inode, uint64_t lblk, uint32_t max, uint32_t *phys, uint32_t *count) MUST_CHECK;
/* The block, allocated if it is a hole (*fresh). */
int ext2_map_create(struct inode *inode, uint64_t lblk, uint32_t *phys, bool *fresh) MUST_CHECK;
/* Free the blocks [from, to) of the file; UINT64_MAX: to its end. */
int ext2_free_range(struct inode *inode, uint64_t from, uint64_t to);
uint64_t ext2_max_bytes(unsigned block_bits);

/* inode.c */
int ext2_iget(struct super *s, uint64_t ino, struct inode **out) MUST_CHECK;
int ext2_new_inode(struct inode *dir, uint32_t mode, struct inode **out) MUST_CHECK;	/* ISTATE_NEW, nlink 1 */
void ext2_abort_new(struct inode *inode);	/* it did not come to a name */
int ext2_write_inode(struct inode *inode);
int ext2_write_dtime(struct inode *inode);
void ext2_evict_inode(struct inode *inode);
int ext2_setattr(struct inode *inode, const struct inode_attr *a);
void ext2_inode_init(void);
void ext2_set_ops(struct inode *inode);
void ext2_flags_to_inode(struct inode *inode);
bool ext2_is_fast_symlink(const struct inode *inode);

/* orphan.c */
void ext2_orphan_add(struct inode *inode);	/* its last name is gone */
void ext2_orphan_del(struct inode *inode);	/* it is freed now, or has a name again; nothing if it is not listed */
void ext2_orphan_forget(struct inode *inode);	/* it leaves memory, the file system is read-only: the disk stays */
void ext2_orphans_recover(struct ext2_sb *sb);	/* mounted for writing: frees what a machine that died had open */

/* dir_index.c: [dir's inode lock] */
enum { EXT2_DIR_INDEX_MIN = 8 };		/* blocks from which on a directory has one */
void ext2_dir_index_init(void);
struct ext2_dir_index *ext2_dir_index(struct inode *dir);	/* NULL: small, or no memory */
void ext2_dir_index_drop(struct ext2_inode *ei);
/* The next block in which the name may be; *cursor starts as NULL. */
bool ext2_dir_index_next(const struct ext2_dir_index *x, const struct qstr *name, const void **cursor, uint32_t *block);
bool ext2_dir_index_space(const struct ext2_dir_index *x, unsigned bytes, uint32_t *block);	/* a block with that much room */
/* An entry was written to, or taken out of, a block, whose data is now as given. */
void ext2_dir_index_added(struct inode *dir, const char *name, unsigned len, uint32_t block, const void *data);
void ext2_dir_index_removed(struct inode *dir, const char *name, unsigned len, uint32_t block, const void *data);

/*
 * dir.c: [dir's inode lock].  The entry after de of a block that ends at `end`, or `end`; what de says of its length is
 * not taken on trust, although the block has been checked: a damaged image may give it to another directory, too.
 */
struct ext2_dirent *ext2_dirent_next(const struct ext2_dirent *de, const void *end);
unsigned ext2_dirent_room(const struct ext2_dirent *de, const void *end);	/* bytes of it that are free */
int ext2_dir_block(struct inode *dir, uint64_t n, struct buffer *out) MUST_CHECK;	/* checked; -EIO: a hole, or nonsense */
int ext2_dir_find(struct inode *dir, const struct qstr *name, struct buffer *buf, struct ext2_dirent **de) MUST_CHECK;	/* -ENOENT */
int ext2_dir_add(struct inode *dir, const struct qstr *name, struct inode *target) MUST_CHECK;
int ext2_dir_delete(struct inode *dir, struct buffer *buf, struct ext2_dirent *de) MUST_CHECK;	/* as ext2_dir_find() gave them */
void ext2_dir_set(struct inode *dir, struct buffer *buf, struct ext2_dirent *de, struct inode *target);
int ext2_dir_make_empty(struct inode *dir, struct inode *parent) MUST_CHECK;
int ext2_dir_is_empty(struct inode *dir);	/* 1, 0 or -errno */
int ext2_dir_iterate(struct file *f, struct dir_context *ctx);

extern const struct inode_ops ext2_dir_inode_ops, ext2_file_inode_ops, ext2_symlink_inode_ops, ext2_special_inode_ops;
extern struct file_ops ext2_file_ops;
extern const struct file_ops ext2_dir_ops;
extern const struct mapping_ops ext2_mapping_ops;
extern const struct super_ops ext2_super_ops;
extern struct filesystem ext2_filesystem;
void ext2_file_init(void);
int ext2_zero_bytes(struct inode *inode, uint64_t from, uint64_t to, bool allocate);
int ext2_fsync(struct file *f, bool datasync);
long ext2_ioctl(struct file *f, unsigned cmd, uint64_t arg);

/* xattr.c */
int64_t ext2_getxattr(struct inode *inode, const char *name, void *buf, size_t max);
int ext2_setxattr(struct inode *inode, const char *name, const void *buf, size_t n, unsigned flags);
int64_t ext2_listxattr(struct inode *inode, char *buf, size_t max);
int ext2_removexattr(struct inode *inode, const char *name);
void ext2_xattr_drop(struct inode *inode);
#endif
