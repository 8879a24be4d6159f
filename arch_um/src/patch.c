/* SPDX-License-Identifier: MIT */
/*
 * Call sites without a trap.
 *
 * A `syscall` instruction that was trapped often is replaced, in a copy of its
 * page that only this program sees, by a jump to a trampoline, which goes to
 * the stub's fast_entry and stops without a signal.  The copy is the machine's
 * affair: the kernel's own page, the file, /proc/PID/mem and ptrace have the
 * program's bytes; only a plain load of the program's finds the jump.
 *
 * What is patched: five bytes, `jmp rel32`, in a page of a file that is mapped
 * privately, executable and not writable.  Three shapes:
 *
 *  A  mov $nr, %eax; syscall		the jump takes the place of the mov; the
 *					syscall stays: who jumps to it is trapped
 *  B  syscall; cmp $imm, %rax		the jump covers both (or another movable()
 *					instruction); the trampoline does the comparison.  The byte behind the syscall, where signal
 *					handlers return to, is chosen to be an instruction that
 *					traps; um_patch_enter() then continues in the trampoline
 *
 *  C  cpuid; mov %eax, x(%rip)		a CPUID that is known (cpuid.c), as B: the trampoline has the answer to the one question that
 *					it has been asked there, and asks the CPU the others
 *  D  mov $leaf, %eax; cpuid		the same as A; preferred, and C is not used where the page has a branch to the instruction behind
 *					(glibc's handle_amd()): each would trap
 *
 * Everything else keeps trapping: code that a program writes (anonymous or
 * writable pages), sites that do not fit, sites out of reach.
 *
 * A trampoline belongs to one site: `rel32` reaches it in the low area of
 * every address space (STUB_TRAMP_LOW; programs linked low), or in pages that
 * the kernel reserves near the libraries (hal_as_own()).  If the program unmaps
 * those, its patches are undone.  Trampolines change no memory and no
 * register but those that the instruction changes anyway; what the kernel sees of a
 * thread that is stopped inside of one is the instruction that it stands for.
 *
 * The patches of a program are shared by all processes that execute it, at once
 * or one after the other (struct um_patch, found by the program's identity):
 * most processes are short, and would end before a call of theirs was hot.
 * That is possible because trampolines and jumps say where things are relative
 * to themselves, and a program's libraries come to lie at the same distances
 * from hal_as_own() each time it starts: what is remembered is a `key`, an
 * address relative to there (or an address, where nothing is randomized).  Where it is
 * different after all, because of a preloaded library for example, the page found
 * there is not the one that was patched, and stays as it is.  Sets that nobody
 * uses are kept for the next start, the most recent ones (IDLE_*).
 *
 * A copy, once mapped, is never changed: another patch in the page makes another
 * copy, which replaces it.  Old copies may still be mapped by a stub, so they are
 * kept until the last address space of the set is gone, or until there is only
 * one, and it is told to forget them.
 *
 * Before a copy is mapped it is compared with the page that it is a copy of: a
 * file that was written to meanwhile loses its patches.  While it is mapped, a
 * write to the file is not seen in it (mmap(2): unspecified for private
 * mappings).
 *
 * Locking: p->lock inside as->lock; sets.lock outside both, or alone.
 */
#include "patch.h"
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>

enum { TRAMP = 64 /* >= 27 + 16 + 5 */, PER_PAGE = PAGE_SIZE / TRAMP, AREA_PAGES = STUB_TRAMP_SIZE / PAGE_SIZE, AREAS = 2, LOW = 0, OWN = 1 };
enum { BUCKETS = 32, SETS = 64, COPIES_MAX = 512, IDLE_SETS = 32, IDLE_COPIES = 512, HOT_BITS = 9, HOT_WAYS = 4, JMP_LEN = 5, MOV_LEN = 5, SYSCALL_LEN = 2, CPUID_LEN = 2 };
#define KEY_OWN UINT64_C(0x4000000000000000)	/* key of hal_as_own(): no address */
#define KEY_REACH (UINT64_C(1) << 31)
enum { SIGILL = 4, SIGSEGV = 11, TRAP_UD = 6, TRAP_GP = 13 };

enum site_kind { SITE_FREE, SITE_A, SITE_B, SITE_C, SITE_D };
/* One patched site and its trampoline, which has the same index. */
struct um_site {
	enum site_kind kind;
	uint64_t at;			/* key of the jump */
	uint64_t call, next;		/* keys of the instruction, and behind it */
	uint32_t nr;			/* A */
	uint8_t len;			/* B, C: of the instruction behind it, */
	uint8_t rip;			/* C: and where in it an address relative to it is, or 0 */
	uint8_t cont;			/* B, C: offset in the trampoline of that instruction; D: of the jump back */
	uint8_t keep, hit, miss;	/* C, D: of the code that keeps ecx, that answers, that asks the CPU */
	struct um_cpuid_site cpuid;	/* C, D */
	uint8_t old[JMP_LEN], new[JMP_LEN];
	struct um_site *in_page;	/* next site of the same page */
};
struct tramp_page { struct page *page; struct um_site site[PER_PAGE]; };
/* Call sites that were trapped, and how often. */
struct hot { uint32_t site, n; };
/* A patched copy of a page. */
struct shadow {
	uint64_t key;
	struct page *orig, *copy;	/* references: orig's physical address must not get another meaning */
	struct um_site *sites;
	struct shadow *next;
	bool spoilt;			/* the original changed: no patches here any more */
	bool cpuid_known;		/* the copy was made when its CPUID instructions were */
	uint8_t cpuid_n;
	uint16_t cpuid_at[UM_CPUID_SITES];	/* where it has traps instead of them (cpuid.c) */
};
struct old_copy {
	struct page *page;
	uint64_t key;			/* where it was mapped */
	const struct hal_as *by;	/* that address space maps its successor; others may still map this one */
	struct old_copy *next;
};
struct um_patch {
	uint32_t refs;			/* [a] address spaces; up from and down to 0: [sets.lock] */
	const void *program;		/* [I] identity only */
	struct um_patch *next;		/* [sets.lock] same hash */
	unsigned starts, learns;	/* [a] of the program; those in which its CPUIDs were learnt */
	uint64_t used;			/* [sets.lock] when it became idle */
	struct um_lock lock;
	struct tramp_page *tramp[AREAS][AREA_PAGES];	/* [lock] to set; the sites are [I] once used */
	struct shadow *shadow[BUCKETS];	/* [lock] */
	struct old_copy *old;		/* [lock] */
	unsigned copies;		/* [lock] */
	struct hot hot[1 << HOT_BITS];	/* [a] */
};

static struct {
	struct um_lock lock;
	struct um_patch *hash[SETS];	/* [lock] */
	unsigned idle, idle_copies;	/* [lock] */
	uint64_t clock;			/* [lock] */
} sets;
static bool low_area, enabled;

void um_patch_init(void)
{
	uint32_t a = 7, b, c = 0, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	/* BMI2 and FSGSBASE: the stub's entry uses them. */
	enabled = um_boot->patch && b >> 8 & 1 && um_boot->hwcap2 & 2 &&
		um_boot->min_sigstack + 2048 + STUB_THREAD_CTL + um_boot->xsave_size <= 4 * PAGE_SIZE;
	low_area = enabled && um_boot->map_min <= STUB_TRAMP_LOW;
}

bool um_patch_enabled(void) { return enabled; }
uaddr_t hal_as_min(void) { return low_area ? STUB_TRAMP_LOW + STUB_TRAMP_SIZE : 0x10000; }
size_t hal_as_own_pages(void) { return enabled ? AREA_PAGES : 0; }

static unsigned bucket(uint64_t key) { return (unsigned)(key >> PAGE_SHIFT) * 2654435761u >> 27; }

/* ---- keys ---- */

static uint64_t to_key(const struct hal_as *as, uaddr_t va)
{
	uint64_t d = va - as->own;

	return as->own && d + KEY_REACH < 2 * KEY_REACH ? KEY_OWN + d : va;
}

static bool key_own(uint64_t key) { return key - (KEY_OWN - KEY_REACH) < 2 * KEY_REACH; }
static uaddr_t from_key(const struct hal_as *as, uint64_t key) { return key_own(key) ? key - KEY_OWN + as->own : key; }

/* ---- sets ---- */

static unsigned set_hash(const void *program) { return (unsigned)((uintptr_t)program >> 6) * 2654435761u >> 26; }

void um_patch_share(struct hal_as *as, struct hal_as *parent) NO_TSA
{
	um_lock(&parent->lock);
	as->own = parent->own;
	as->patch_off = parent->patch_off;
	as->patch = parent->patch;
	if (as->patch)
		__atomic_add_fetch(&as->patch->refs, 1, __ATOMIC_RELAXED);
	um_unlock(&parent->lock);
}

static void old_free(struct um_patch *p)
{
	struct old_copy *o;

	while ((o = p->old)) {
		p->old = o->next;
		page_put(o->page);
		kfree(o);
		p->copies--;
	}
}

static void set_free(struct um_patch *p)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct shadow *s = p->shadow[i], *next; s; s = next) {
			next = s->next;
			page_put(s->orig);
			if (s->copy)
				page_put(s->copy);
			kfree(s);
		}
	for (unsigned a = 0; a < AREAS; a++)
		for (unsigned i = 0; i < AREA_PAGES; i++)
			if (p->tramp[a][i]) {
				page_put(p->tramp[a][i]->page);
				kfree(p->tramp[a][i]);
			}
	kfree(p);
}

/* The idle set that has been idle longest; NULL: they are few enough. */
static struct um_patch *set_evict(void) REQUIRES(sets.lock)
{
	struct um_patch **oldest = NULL, *p;

	if (sets.idle <= IDLE_SETS && sets.idle_copies <= IDLE_COPIES)
		return NULL;
	for (unsigned i = 0; i < SETS; i++)
		for (struct um_patch **at = &sets.hash[i]; *at; at = &(*at)->next)
			if (!__atomic_load_n(&(*at)->refs, __ATOMIC_RELAXED) && (!oldest || (*at)->used < (*oldest)->used))
				oldest = at;
	if (!oldest)
		return NULL;
	p = *oldest;
	*oldest = p->next;
	sets.idle--;
	sets.idle_copies -= p->copies;
	return p;
}

/* The program's set, with a reference; a new one if `fresh` (of the caller's) is not NULL. */
static struct um_patch *set_get(const void *program, struct um_patch *fresh) REQUIRES(sets.lock)
{
	struct um_patch **head = &sets.hash[set_hash(program)], *p = *head;

	while (p && p->program != program)
		p = p->next;
	if (!p && fresh) {
		p = fresh;
		p->program = program;
		p->next = *head;
		*head = p;
	} else if (p && !__atomic_load_n(&p->refs, __ATOMIC_RELAXED)) {
		sets.idle--;
		sets.idle_copies -= p->copies;
	}
	if (p)
		__atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
	return p;
}

void hal_as_own(struct hal_as *as, uaddr_t va, const void *program) NO_TSA
{
	struct um_patch *p, *fresh = NULL;
	unsigned long flags;
	bool learns = false;

	if (!enabled)
		return;
	flags = hal_irq_save();
	um_lock(&sets.lock);
	p = set_get(program, NULL);
	um_unlock(&sets.lock);
	if (!p) {
		hal_irq_restore(flags);
		fresh = kzalloc(sizeof(*fresh), 0);
		flags = hal_irq_save();
		um_lock(&sets.lock);
		p = set_get(program, fresh);
		um_unlock(&sets.lock);
		if (p == fresh)
			fresh = NULL;
	}
	um_lock(&as->lock);
	if (!as->patch && !as->patch_off) {
		as->own = va;
		if (p)
			learns = __atomic_fetch_add(&p->starts, 1, __ATOMIC_RELAXED) && um_cpuid_start(as, __atomic_load_n(&p->learns, __ATOMIC_RELAXED));
		if (learns)
			__atomic_add_fetch(&p->learns, 1, __ATOMIC_RELAXED);
		store_release(&as->patch, p);	/* others look without the lock */
		p = NULL;
	}
	um_unlock(&as->lock);
	um_patch_put(p);
	hal_irq_restore(flags);
	kfree(fresh);
}

void um_patch_put(struct um_patch *p) NO_TSA
{
	if (!p)
		return;
	um_lock(&sets.lock);
	if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0) {
		old_free(p);
		p->used = ++sets.clock;
		sets.idle++;
		sets.idle_copies += p->copies;
	}
	p = set_evict();
	um_unlock(&sets.lock);
	while (p) {
		set_free(p);
		um_lock(&sets.lock);
		p = set_evict();
		um_unlock(&sets.lock);
	}
}

static struct hot *hot_set(const struct hal_as *as, uint32_t site)
{
	return &as->patch->hot[(site * 2654435761u >> (32 - HOT_BITS)) & ~(HOT_WAYS - 1u)];
}

uint32_t um_patch_count(struct hal_as *as, uaddr_t ip)
{
	uint32_t site = (uint32_t)to_key(as, ip), n = 0, least = UINT32_MAX;
	struct hot *set = hot_set(as, site), *h = set;

	/* Its entry, or that of the coldest of those it shares the place with. */
	for (struct hot *i = set; i < set + HOT_WAYS; i++) {
		uint32_t in = __atomic_load_n(&i->n, __ATOMIC_RELAXED);

		if (__atomic_load_n(&i->site, __ATOMIC_RELAXED) == site) {
			h = i;
			n = in;
			break;
		}
		if ((in & ~UM_HOT_PATCHED) < least) {
			least = in & ~UM_HOT_PATCHED;
			h = i;
		}
	}
	if (!n)
		__atomic_store_n(&h->site, site, __ATOMIC_RELAXED);
	__atomic_store_n(&h->n, n + 1, __ATOMIC_RELAXED);
	return n + 1;
}

/* It is patched: who is still trapped there maps an older page. */
static void hot_mark(const struct hal_as *as, uaddr_t ip)
{
	uint32_t site = (uint32_t)to_key(as, ip);
	struct hot *set = hot_set(as, site);

	for (struct hot *i = set; i < set + HOT_WAYS; i++)
		if (__atomic_load_n(&i->site, __ATOMIC_RELAXED) == site)
			__atomic_fetch_or(&i->n, UM_HOT_PATCHED, __ATOMIC_RELAXED);
}

/* ---- trampolines ---- */

static uaddr_t area_base(const struct hal_as *as, unsigned area) { return area == LOW ? STUB_TRAMP_LOW : as->own; }

/* The site whose trampoline this address is in, and the offset in it. */
static struct um_site *tramp_site(const struct hal_as *as, uaddr_t ip, unsigned *off)
{
	struct um_patch *p = as->patch;

	for (unsigned a = 0; a < AREAS; a++) {
		uint64_t o = ip - area_base(as, a);
		struct tramp_page *t;

		if (o >= STUB_TRAMP_SIZE || !area_base(as, a))
			continue;
		t = __atomic_load_n(&p->tramp[a][o / PAGE_SIZE], __ATOMIC_ACQUIRE);
		if (!t)
			return NULL;
		struct um_site *s = &t->site[o % PAGE_SIZE / TRAMP];
		*off = o % TRAMP;
		return __atomic_load_n(&s->kind, __ATOMIC_ACQUIRE) == SITE_FREE ? NULL : s;
	}
	return NULL;
}

/* One-byte opcodes that trap in 64-bit user code and change nothing: #UD, or #GP for in, out, ins, outs, hlt, cli, sti. */
static bool traps(uint8_t op)
{
	static const uint8_t list[] = {
		0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x6c, 0x6d, 0x6e, 0x6f, 0x9a,
		0xd4, 0xd5, 0xe4, 0xe5, 0xe6, 0xe7, 0xea, 0xec, 0xed, 0xee, 0xef, 0xf4, 0xfa, 0xfb,
	};

	for (unsigned i = 0; i < sizeof(list); i++)
		if (list[i] == op)
			return true;
	return false;
}

static bool fits(enum site_kind kind, uaddr_t at, uaddr_t tramp, int32_t *rel)
{
	int64_t d = (int64_t)(tramp - (at + JMP_LEN));

	*rel = (int32_t)d;
	/* And back again, from any place in the trampoline to any near the site. */
	return d == *rel && d + (1 << 12) < INT32_MAX && d - (1 << 12) > INT32_MIN && (kind == SITE_A || kind == SITE_D || traps((uint8_t)(d >> 8)));
}

/* A free trampoline that a jump at `at` can reach, in a page that exists if possible. */
static struct um_site *tramp_find(const struct hal_as *as, enum site_kind kind, uaddr_t at, uaddr_t *va, char **code, int32_t *rel)
{
	struct um_patch *p = as->patch;
	unsigned only = key_own(to_key(as, at)) ? OWN : LOW;	/* what keeps its distance */
	unsigned best_area = 0, best = UINT32_MAX;

	for (unsigned a = 0; a < AREAS; a++) {
		uaddr_t base = a != only || (a == LOW && !low_area) ? 0 : area_base(as, a);

		for (unsigned i = 0; base && i < AREA_PAGES * PER_PAGE; i++) {
			struct tramp_page *t = p->tramp[a][i / PER_PAGE];

			if ((t && t->site[i % PER_PAGE].kind != SITE_FREE) || !fits(kind, at, base + i * TRAMP, rel))
				continue;
			if (best == UINT32_MAX || t) {
				best = i;
				best_area = a;
			}
			if (t)
				goto found;
		}
	}
	if (best == UINT32_MAX)
		return NULL;
found:;
	struct tramp_page *t = p->tramp[best_area][best / PER_PAGE];
	if (!t) {
		t = kzalloc(sizeof(*t), ALLOC_ATOMIC);
		if (!t)
			return NULL;
		t->page = page_alloc(0, ALLOC_ATOMIC | ALLOC_ZERO);
		if (!t->page) {
			kfree(t);
			return NULL;
		}
		__atomic_store_n(&p->tramp[best_area][best / PER_PAGE], t, __ATOMIC_RELEASE);
	}
	*va = area_base(as, best_area) + best * TRAMP;
	*code = (char *)page_addr(t->page) + best % PER_PAGE * TRAMP;
	(void)fits(kind, at, *va, rel);
	return &t->site[best % PER_PAGE];
}

static char *put(char *c, const void *bytes, size_t n)
{
	memcpy(c, bytes, n);
	return c + n;
}
static char *put_rel(char *c, const void *op, size_t n, uaddr_t c_va, uaddr_t to)
{
	int32_t rel = (int32_t)(to - (c_va + n + 4));

	return put(put(c, op, n), &rel, 4);
}

/* va, next: addresses in some address space; only their distance counts. */
static void tramp_write(struct um_site *s, uaddr_t va, char *code, uaddr_t next, const uint8_t *behind)
{
	static const uint8_t lea_r11[] = { 0x4c, 0x8d, 0x1d }, jmp[] = { 0xe9 }, jmp_far[] = { 0xff, 0x25, 0, 0, 0, 0 };
	enum { LEA = 7, FAR = 14, NEXT = STUB_NEXT_SIZE };
	const uint64_t stub = STUB_BASE;
	char *c = code;

	if (s->kind == SITE_A) {
		*c++ = (char)0xb8;
		c = put(c, &s->nr, 4);
	}
	c = put_rel(c, lea_r11, sizeof(lea_r11), va + (uaddr_t)(c - code), s->kind == SITE_A ? next : va + LEA + FAR + NEXT);
	c = put(c, jmp_far, sizeof(jmp_far));	/* jmp *0(%rip) */
	c = put(c, &stub, sizeof(stub));
	if (s->kind == SITE_B) {
		/* For the stub: where the program is then (STUB_NEXT_SIZE). */
		int32_t rel = (int32_t)(next - (va + LEA + FAR + NEXT));

		c = put(c, &rel, sizeof(rel));
		c = put(c, &(uint16_t){ 0 }, 2);
		s->cont = (uint8_t)(c - code);
		c = put(c, behind, s->len);
		put_rel(c, jmp, sizeof(jmp), va + (uaddr_t)(c - code), next + s->len);
	}
}

/*
 * The trampoline of a CPUID.  Flags are not touched; of registers those that the
 * instruction sets anyway: until the answer, edx has what ecx was.
 */
static void tramp_cpuid(struct um_site *s, enum site_kind kind, uaddr_t va, char *code, uaddr_t next, const uint8_t *behind)
{
	static const uint8_t keep[] = { 0x89, 0xca }, lea_rax[] = { 0x8d, 0x88 }, lea_rdx[] = { 0x8d, 0x8a }, jrcxz[] = { 0xe3, 2 };
	static const uint8_t ask[] = { 0x89, 0xd1, 0x0f, 0xa2 }, jmp[] = { 0xe9 }, set[] = { 0xb8, 0xbb, 0xb9, 0xba };
	enum { JMP8 = 0xeb, JMP8_LEN = 2, CHECK = 10, SET = 5 };
	const struct um_cpuid_site *q = &s->cpuid;
	bool check[2] = { kind == SITE_C, !stub_cpuid_ignores_ecx(q->leaf) };	/* eax, ecx */
	char *c = code;

	s->keep = kind == SITE_D ? MOV_LEN : 0;
	s->hit = (uint8_t)(s->keep + sizeof(keep) + (check[0] + check[1]) * CHECK);
	s->miss = (uint8_t)(s->hit + 4 * SET + JMP8_LEN);
	s->cont = (uint8_t)(s->miss + sizeof(ask));
	if (kind == SITE_D) {
		*c++ = (char)0xb8;			/* mov $leaf, %eax */
		c = put(c, &q->leaf, 4);
	}
	c = put(c, keep, sizeof(keep));			/* mov %ecx, %edx */
	for (unsigned i = 0; i < 2; i++) {
		uint32_t minus = i ? -q->sub : -q->leaf;

		if (!check[i])
			continue;
		c = put(c, i ? lea_rdx : lea_rax, 2);	/* lea -leaf(%rax), %ecx; lea -sub(%rdx), %ecx */
		c = put(c, &minus, 4);
		c = put(c, jrcxz, sizeof(jrcxz));	/* over the next */
		*c++ = (char)JMP8;
		c++;
		c[-1] = (char)(s->miss - (c - code));
	}
	for (unsigned i = 0; i < 4; i++) {
		*c++ = (char)set[i];			/* mov $eax, %eax; ebx; ecx; edx */
		c = put(c, &q->r[i], 4);
	}
	*c++ = (char)JMP8;
	*c++ = (char)sizeof(ask);
	c = put(c, ask, sizeof(ask));			/* mov %edx, %ecx; cpuid */
	c = put(c, behind, s->len);
	if (s->rip) {
		int32_t rel;

		memcpy(&rel, behind + s->rip, sizeof(rel));
		rel += (int32_t)(next - (va + s->cont));
		memcpy(c - s->len + s->rip, &rel, sizeof(rel));
	}
	put_rel(c, jmp, sizeof(jmp), va + (uaddr_t)(c - code), next + s->len);
}

/* ---- patching ---- */

/*
 * The length of an instruction that does the same anywhere: no branch.  0: not
 * one of those that compilers put behind a call.  *rip: the offset in it of an
 * address relative to rip, or 0; NULL: not one with that.
 */
static uint8_t movable(const uint8_t *c, size_t max, uint8_t *rip)
{
	unsigned n = 0, imm = 0;
	bool wide;
	uint8_t buf[16] = { 0 };

	memcpy(buf, c, MIN(max, sizeof(buf)));
	n += buf[n] == 0x64;			/* %fs: */
	wide = (buf[n] & 0xf8) == 0x48;		/* REX.W */
	n += (buf[n] & 0xf0) == 0x40;		/* REX */
	if (rip)
		*rip = 0;
	switch (buf[n++]) {
	case 0xb8: case 0xb9: case 0xba: case 0xbb: case 0xbc: case 0xbd: case 0xbe: case 0xbf:	/* mov $imm32, or $imm64 */
		n += wide ? 8 : 4;
		return n <= max ? (uint8_t)n : 0;
	case 0x25: case 0x3d:			/* and, cmp $imm32, %rax */
		n += 4;
		return n <= max ? (uint8_t)n : 0;
	case 0x81: case 0xc7:			/* arithmetic, mov: $imm32 */
		imm = 4;
		break;
	case 0x80: case 0x83: case 0xc1:	/* arithmetic, shifts: $imm8 */
		imm = 1;
		break;
	case 0x01: case 0x03: case 0x09: case 0x0b: case 0x21: case 0x23: case 0x29: case 0x2b: case 0x31: case 0x33: case 0x39:
	case 0x3b: case 0x63: case 0x85: case 0x89: case 0x8b: case 0x8d:
		break;
	default:
		return 0;
	}
	uint8_t mod = buf[n] >> 6, rm = buf[n] & 7;
	n++;
	if (mod == 0 && rm == 5) {
		if (!rip)
			return 0;
		*rip = (uint8_t)n;
		n += 4;
	}
	if (mod != 3 && rm == 4 && mod == 0 && (buf[n] & 7) == 5)
		n += 4;				/* SIB without a base */
	n += (mod != 3 && rm == 4) + (mod == 1 ? 1 : mod == 2 ? 4 : 0) + imm;
	return n <= max && n <= 16 ? (uint8_t)n : 0;
}

/* A mov $imm, %eax ends at off. */
static bool mov_before(const uint8_t *page, unsigned off, uint32_t *imm)
{
	const uint8_t *c = page + off;

	/* Where may it be only the end of a longer instruction?  Behind REX and 66 prefixes, and after disp8. */
	if (off < MOV_LEN + 2 || c[-5] != 0xb8)
		return false;
	uint8_t before = c[-6], op = c[-7];
	bool prefix = (before & 0xf0) == 0x40 || before == 0x66;
	bool disp8 = (before & 0xc0) == 0x40 && (op == 0xc7 || op == 0x81 || op == 0x69 || op == 0xf7);

	memcpy(imm, c - 4, 4);
	return !prefix && !disp8;
}

/* May the page have a direct branch to there?  Any byte may be one's first. */
static bool branched_to(const uint8_t *page, unsigned to)
{
	for (unsigned o = 0; o + 2 <= PAGE_SIZE; o++) {
		const uint8_t *c = page + o;
		bool two = c[0] == 0x0f && (c[1] & 0xf0) == 0x80;	/* jcc rel32 */
		unsigned n = 1u + two;
		int32_t rel;

		if (((c[0] & 0xf0) == 0x70 || (c[0] & 0xfc) == 0xe0 || c[0] == 0xeb) && (int)o + 2 + (int8_t)c[1] == (int)to)
			return true;
		if ((!two && c[0] != 0xe8 && c[0] != 0xe9) || o + n + 4 > PAGE_SIZE)
			continue;
		memcpy(&rel, c + n, sizeof(rel));
		if ((int64_t)o + n + 4 + rel == to)
			return true;
	}
	return false;
}

/* What can be done at this call: 0 nothing. */
static enum site_kind site_shape(const uint8_t *page, unsigned off, struct um_site *s)
{
	const uint8_t *c = page + off;

	s->call = s->at = off;		/* offsets, for now */
	s->next = off + SYSCALL_LEN;
	if (off + SYSCALL_LEN > PAGE_SIZE || c[0] != 0x0f || c[1] != 0x05)
		return SITE_FREE;
	if (mov_before(page, off, &s->nr) && s->nr < 4096) {
		s->at = off - MOV_LEN;
		return SITE_A;
	}
	/* Long enough for the jump, so that nothing else begins in its bytes. */
	s->len = movable(c + SYSCALL_LEN, PAGE_SIZE - off - SYSCALL_LEN, NULL);
	if (s->len >= JMP_LEN - SYSCALL_LEN)
		return SITE_B;
	return SITE_FREE;
}

static struct shadow *shadow_find(struct um_patch *p, uint64_t key)
{
	struct shadow *s = p->shadow[bucket(key)];

	while (s && s->key != key)
		s = s->next;
	return s;
}

static struct shadow *shadow_add(struct um_patch *p, uint64_t key, struct page *orig)
{
	struct shadow *s = kzalloc(sizeof(*s), ALLOC_ATOMIC);

	if (!s)
		return NULL;
	s->key = key;
	page_get(orig);
	s->orig = orig;
	s->next = p->shadow[bucket(key)];
	p->shadow[bucket(key)] = s;
	return s;
}

/* Another copy takes its place; stubs may still map this one. */
static void copy_retire(struct um_patch *p, struct shadow *s, const struct hal_as *by)
{
	struct old_copy *o;

	if (!s->copy)
		return;
	o = kmalloc(sizeof(*o), ALLOC_ATOMIC);
	if (o) {
		o->page = s->copy;
		o->key = s->key;
		o->by = by;
		o->next = p->old;
		p->old = o;
	}				/* else the page is lost, not reused */
	s->copy = NULL;
}

/* Room for a jump: no other has a byte there, nor has a CPUID but q. */
static bool jump_fits(const struct shadow *s, const struct um_cpuid_site *all, unsigned n, const struct um_cpuid_site *q, unsigned off)
{
	for (const struct um_site *i = s->sites; i; i = i->in_page) {
		unsigned o = (unsigned)(i->at & (PAGE_SIZE - 1));

		if (o < off + JMP_LEN && off < o + JMP_LEN)
			return false;
	}
	for (unsigned k = 0; k < n; k++)
		if (&all[k] != q && all[k].at < off + JMP_LEN && off < all[k].at + 2u)
			return false;
	return true;
}

/* A jump in the place of a CPUID that is asked one thing, one of n in the page. */
static struct um_site *cpuid_site(const struct hal_as *as, struct shadow *s, const struct um_cpuid_site *all, unsigned n, const struct um_cpuid_site *q)
{
	enum { LEN_MAX = TRAMP - 48 - JMP_LEN };
	const uint8_t *page = page_addr(s->orig), *behind = page + q->at + CPUID_LEN;
	struct um_site want = { .call = s->key + q->at, .next = s->key + q->at + CPUID_LEN, .cpuid = *q }, *site;
	enum site_kind kind = SITE_C;
	unsigned off = q->at;
	uaddr_t at, tramp;
	uint32_t leaf;
	char *code;
	int32_t rel;

	if (q->asked != 1)
		return NULL;
	if (mov_before(page, off, &leaf) && leaf == q->leaf && jump_fits(s, all, n, q, off - MOV_LEN)) {
		kind = SITE_D;
		off -= MOV_LEN;
	} else {
		want.len = movable(behind, PAGE_SIZE - off - CPUID_LEN, &want.rip);
		if (want.len < JMP_LEN - CPUID_LEN || want.len > LEN_MAX || !jump_fits(s, all, n, q, off) || branched_to(page, off + CPUID_LEN))
			return NULL;
	}
	want.at = s->key + off;
	at = from_key(as, want.at);
	site = tramp_find(as, kind, at, &tramp, &code, &rel);
	if (!site)
		return NULL;
	if (want.rip) {
		int32_t was;
		int64_t far;

		memcpy(&was, behind + want.rip, sizeof(was));
		far = (int64_t)was + (int64_t)(at - tramp);
		if (far - (1 << 12) < INT32_MIN || far + (1 << 12) > INT32_MAX)
			return NULL;
	}
	memcpy(want.old, page + off, JMP_LEN);
	want.new[0] = 0xe9;
	memcpy(want.new + 1, &rel, 4);
	want.in_page = s->sites;
	tramp_cpuid(&want, kind, tramp, code, from_key(as, want.next), behind);
	*site = want;
	__atomic_store_n(&site->kind, kind, __ATOMIC_RELEASE);
	um_count(UM_STAT_CPUID_PATCHED);
	return site;
}

/* The CPUID instructions of a copy that is being made: jumps or traps, where no other jump is. */
static void cpuid_put(const struct hal_as *as, struct shadow *s, uint8_t *copy)
{
	unsigned n = 0;
	const struct um_cpuid_site *all = um_cpuid_sites(page_to_phys(s->orig), &n);
	bool before = s->cpuid_known;

	s->cpuid_n = 0;
	s->cpuid_known = all;
	for (const struct um_cpuid_site *q = all; q < all + n; q++) {
		bool apart = true;
		struct um_site *site;

		for (const struct um_site *i = s->sites; i; i = i->in_page) {
			unsigned o = (unsigned)(i->at & (PAGE_SIZE - 1));

			apart &= q->at + CPUID_LEN <= (int)o || o + JMP_LEN <= q->at;
			apart &= i->kind != SITE_D || i->call != s->key + q->at;	/* whoever jumps to it asks the CPU */
		}
		/* Jumps are only made at first, when the instructions beside are still what they were. */
		if (q->varies || !apart || copy[q->at] != 0x0f || copy[q->at + 1] != 0xa2)
			continue;
		site = before ? NULL : cpuid_site(as, s, all, n, q);
		if (site) {
			memcpy(copy + (site->at & (PAGE_SIZE - 1)), site->new, JMP_LEN);
			s->sites = site;
		} else {
			copy[q->at] = STUB_CPUID_TRAP;
			s->cpuid_at[s->cpuid_n++] = q->at;
		}
	}
}

static bool still_same(const struct shadow *s)
{
	const uint8_t *a = page_addr(s->orig), *b = page_addr(s->copy);
	unsigned at = 0;

	/* The sites' bytes first: then the originals may stand in for them. */
	for (const struct um_site *i = s->sites; i; i = i->in_page)
		if (memcmp(a + (i->at & (PAGE_SIZE - 1)), i->old, JMP_LEN))
			return false;
	for (unsigned k = 0; k < s->cpuid_n; k++)
		if (a[s->cpuid_at[k]] != 0x0f)
			return false;
	while (at < PAGE_SIZE) {
		unsigned end = PAGE_SIZE, next = PAGE_SIZE;

		for (const struct um_site *i = s->sites; i; i = i->in_page) {
			unsigned o = (unsigned)(i->at & (PAGE_SIZE - 1));
			if (o >= at && o < end) {
				end = o;
				next = o + JMP_LEN;
			}
		}
		for (unsigned k = 0; k < s->cpuid_n; k++)
			if (s->cpuid_at[k] >= at && s->cpuid_at[k] < end) {
				end = s->cpuid_at[k];
				next = end + 1;
			}
		if (memcmp(a + at, b + at, end - at))
			return false;
		at = next;
	}
	return true;
}

static bool site_add(struct hal_as *as, uaddr_t ip, paddr_t pa)
{
	struct um_patch *p = load_acquire(&as->patch);
	uaddr_t va = ip & PAGE_MASK, tramp;
	uint64_t key = to_key(as, va);
	struct page *orig = phys_to_page(pa);
	const uint8_t *bytes = page_addr(orig);
	struct shadow *s = shadow_find(p, key);
	struct um_site want = { 0 }, *site;
	char *code;
	int32_t rel;

	if (p->copies >= COPIES_MAX || (s && (s->spoilt || (s->orig != orig && s->sites))))
		return false;
	want.kind = site_shape(bytes, (unsigned)(ip - va), &want);
	if (want.kind == SITE_FREE)
		return false;
	want.at += key;
	want.call += key;
	want.next += key;
	for (const struct um_site *i = s ? s->sites : NULL; i; i = i->in_page)
		if (want.at < i->at + JMP_LEN && i->at < want.at + JMP_LEN)
			return false;
	site = tramp_find(as, want.kind, va + (want.at - key), &tramp, &code, &rel);
	if (!site)
		return false;
	struct page *copy = page_alloc(0, ALLOC_ATOMIC);
	if (!copy)
		return false;
	if (!s && !(s = shadow_add(p, key, orig))) {
		page_put(copy);
		return false;
	}
	memcpy(want.old, bytes + (want.at - key), JMP_LEN);
	want.new[0] = 0xe9;
	memcpy(want.new + 1, &rel, 4);
	want.in_page = s->sites;
	tramp_write(&want, tramp, code, va + (want.next - key), bytes + (want.next - key));
	enum site_kind kind = want.kind;
	want.kind = SITE_FREE;
	*site = want;
	__atomic_store_n(&site->kind, kind, __ATOMIC_RELEASE);
	copy_retire(p, s, as);
	hal_page_copy(page_addr(copy), bytes);
	s->sites = site;
	for (const struct um_site *i = s->sites; i; i = i->in_page)
		memcpy((char *)page_addr(copy) + (i->at & (PAGE_SIZE - 1)), i->new, JMP_LEN);
	cpuid_put(as, s, page_addr(copy));
	s->copy = copy;
	p->copies++;
	return true;
}

/* Another address space of the set has patched it: this one only has to map the copy. */
static bool site_known(const struct hal_as *as, uaddr_t ip, paddr_t pa)
{
	const struct shadow *s = shadow_find(as->patch, to_key(as, ip & PAGE_MASK));

	if (!s || !s->copy || s->spoilt || page_to_phys(s->orig) != pa)
		return false;
	for (const struct um_site *i = s->sites; i; i = i->in_page)
		if (i->call == to_key(as, ip))
			return true;
	return false;
}

bool hal_as_hot_call(struct hal_as *as, uaddr_t ip, paddr_t pa) NO_TSA
{
	unsigned long flags;
	bool done = false, known = false;

	if (!enabled)
		return false;
	flags = hal_irq_save();
	um_lock(&as->lock);
	if (um_cpuid_site(as, ip, pa)) {
		done = false;			/* this program goes on with the page as it is */
	} else if (!as->patch_off && as->patch) {
		struct um_patch *p = as->patch;

		um_lock(&p->lock);
		/* Nobody else, and nothing of ours runs with an old mapping: as for any page that is given away. */
		if (p->old && __atomic_load_n(&p->refs, __ATOMIC_ACQUIRE) == 1 && !um_as_runs(as)) {
			for (const struct old_copy *o = p->old; o; o = o->next)
				if (o->by != as)
					um_as_forget(as, from_key(as, o->key));
			old_free(p);
		}
		known = site_known(as, ip, pa);
		done = known || site_add(as, ip, pa);
		if (done)
			hot_mark(as, ip);
		um_unlock(&p->lock);
	}
	um_unlock(&as->lock);
	if (done && !known)
		um_count(UM_STAT_PATCHED);
	hal_irq_restore(flags);
	return done;
}

/* ---- mapping ---- */

/* The page's CPUID instructions are known by now, and there is no copy, or one from before. */
static struct shadow *cpuid_later(struct um_patch *p, struct shadow *s, const struct hal_as *as, uint64_t key, paddr_t pa) REQUIRES(p->lock)
{
	struct page *copy;

	if (p->copies >= COPIES_MAX || !(copy = page_alloc(0, ALLOC_ATOMIC)))
		return s;
	if (!s && !(s = shadow_add(p, key, phys_to_page(pa)))) {
		page_put(copy);
		return NULL;
	}
	hal_page_copy(page_addr(copy), page_addr(s->copy ? s->copy : s->orig));
	cpuid_put(as, s, page_addr(copy));
	copy_retire(p, s, as);
	s->copy = copy;
	p->copies++;
	return s;
}

static paddr_t page_map(struct um_patch *p, struct hal_as *as, uaddr_t va, paddr_t pa) REQUIRES(p->lock)
{
	uint64_t key = to_key(as, va);
	struct shadow *s = shadow_find(p, key);
	unsigned n;

	if (s && s->copy && page_to_phys(s->orig) == pa && !still_same(s)) {
		s->spoilt = true;
		copy_retire(p, s, as);
	}
	if (s && (s->spoilt || page_to_phys(s->orig) != pa))
		return pa;
	if ((!s || !s->cpuid_known) && um_cpuid_sites(pa, &n))
		s = cpuid_later(p, s, as, key, pa);
	if (likely(!s) || !s->copy)
		return pa;
	if (as->faulting && s->cpuid_known)
		um_cpuid_learnt(as);	/* it has been learnt before */
	return !s->cpuid_n || um_cpuid_list(as, va, s->cpuid_at, s->cpuid_n) ? page_to_phys(s->copy) : pa;
}

void um_patch_map(struct hal_as *as, uaddr_t va, paddr_t pa, unsigned n, paddr_t *use)
{
	struct um_patch *p = load_acquire(&as->patch);

	um_lock(&p->lock);
	for (unsigned i = 0; i < n; i++)
		use[i] = page_map(p, as, va + i * PAGE_SIZE, pa + i * PAGE_SIZE);
	um_unlock(&p->lock);
}

bool um_patch_any(struct hal_as *as, uaddr_t va, uint64_t len)
{
	struct um_patch *p = load_acquire(&as->patch);
	bool any = false;

	um_lock(&p->lock);
	for (unsigned i = 0; i < BUCKETS && !any; i++)
		for (struct shadow *s = p->shadow[i]; s; s = s->next)
			any |= from_key(as, s->key) - va < len;
	um_unlock(&p->lock);
	return any;
}

/* The page of trampolines at va, if there is one. */
bool um_patch_tramp(struct hal_as *as, uaddr_t va, paddr_t *pa) NO_TSA
{
	struct um_patch *p = load_acquire(&as->patch);

	if (!p || as->patch_off)
		return false;
	for (unsigned a = 0; a < AREAS; a++) {
		uint64_t o = va - area_base(as, a);
		struct tramp_page *t = o < STUB_TRAMP_SIZE && area_base(as, a) ?
			__atomic_load_n(&p->tramp[a][o / PAGE_SIZE], __ATOMIC_ACQUIRE) : NULL;

		if (t) {
			*pa = page_to_phys(t->page);
			return true;
		}
	}
	return false;
}

/* ---- what the program sees ---- */

bool um_patch_return(struct hal_as *as, uaddr_t machine, uaddr_t *program)
{
	unsigned off;
	struct um_site *s = load_acquire(&as->patch) ? tramp_site(as, machine, &off) : NULL;

	*program = machine;
	if (!s || s->kind != SITE_B || off != s->cont)
		return false;
	*program = from_key(as, s->next);
	return true;
}

/* A CPUID in whose trampoline the thread is: done. */
static void cpuid_finish(const struct um_site *s, unsigned off, struct abi_regs *r)
{
	if (off >= s->hit && off < s->miss) {
		r->rax = s->cpuid.r[0];
		r->rbx = s->cpuid.r[1];
		r->rcx = s->cpuid.r[2];
		r->rdx = s->cpuid.r[3];
	} else {
		if (off > s->keep)
			r->rcx = (uint32_t)r->rdx;
		um_cpuid_execute(r);
	}
}

uaddr_t um_patch_hide(struct hal_as *as, struct abi_regs *r)
{
	unsigned off;
	uaddr_t machine = r->rip;
	struct um_site *s = load_acquire(&as->patch) ? tramp_site(as, machine, &off) : NULL;

	if (!s)
		return 0;
	if (s->kind == SITE_A) {
		r->rax = s->nr;
		r->rip = from_key(as, s->call);
	} else if (s->kind == SITE_D && off < s->keep) {
		r->rax = s->cpuid.leaf;
		r->rip = from_key(as, s->call);
	} else if ((s->kind == SITE_C || s->kind == SITE_D) && off < s->cont) {
		cpuid_finish(s, off, r);
		r->rip = from_key(as, s->next);
	} else if (off < s->cont) {
		r->rip = from_key(as, s->call);
		return machine - off + s->cont;
	} else {
		r->rip = from_key(as, s->next) + MIN(off - s->cont, (unsigned)s->len);
	}
	return 0;
}

bool um_patch_enter(struct hal_as *as, uaddr_t ip, int sig, unsigned trap, uaddr_t *machine) NO_TSA
{
	struct um_patch *p = load_acquire(&as->patch);
	bool found = false;

	if (!p || as->patch_off || !((sig == SIGILL && trap == TRAP_UD) || (sig == SIGSEGV && trap == TRAP_GP)))
		return false;
	um_lock(&p->lock);
	uint64_t key = to_key(as, ip);
	struct shadow *s = shadow_find(p, key & PAGE_MASK);
	for (struct um_site *i = s ? s->sites : NULL; i && !found; i = i->in_page)
		if ((i->kind == SITE_B || i->kind == SITE_C) && i->next == key)
			for (unsigned a = 0; a < AREAS && !found; a++)
				for (unsigned k = 0; k < AREA_PAGES && !found; k++) {
					struct tramp_page *t = p->tramp[a][k];
					if (t && i >= t->site && i < t->site + PER_PAGE) {
						*machine = area_base(as, a) + k * PAGE_SIZE + (size_t)(i - t->site) * TRAMP + i->cont;
						found = true;
					}
				}
	um_unlock(&p->lock);
	return found;
}
