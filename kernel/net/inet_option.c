/* SPDX-License-Identifier: MIT */
/*
 * Options of IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP and IPPROTO_UDP.  Between
 * sockets of one machine most of them have nothing to change: such a value is
 * checked, kept and told back.
 */
#include "net/inet_internal.h"

enum { IPV6_V6ONLY = 26, TCP_INFO = 11 };
/* What is kept, and where: the index is the place in inet_socket.option. */
static const struct kept { uint8_t level, name; int32_t min, max, initial; bool stream_only; } kept[] = {
	{ IPPROTO_IP, 1, 0, 255, 0, false },			/* IP_TOS */
	{ IPPROTO_IP, 2, 1, 255, 64, false },			/* IP_TTL */
	{ IPPROTO_IP, 8, 0, 1, 0, false },			/* IP_PKTINFO: no control message is made of it */
	{ IPPROTO_IP, 10, 0, 5, 1, false },			/* IP_MTU_DISCOVER */
	{ IPPROTO_IP, 11, 0, 1, 0, false },			/* IP_RECVERR */
	{ IPPROTO_IP, 15, 0, 1, 0, false },			/* IP_FREEBIND */
	{ IPPROTO_IP, 24, 0, 1, 0, false },			/* IP_BIND_ADDRESS_NO_PORT */
	{ IPPROTO_IP, 33, 0, 255, 1, false },			/* IP_MULTICAST_TTL */
	{ IPPROTO_IP, 34, 0, 1, 1, false },			/* IP_MULTICAST_LOOP */
	{ IPPROTO_IPV6, 16, -1, 255, 64, false },		/* IPV6_UNICAST_HOPS */
	{ IPPROTO_IPV6, 18, -1, 255, 1, false },		/* IPV6_MULTICAST_HOPS */
	{ IPPROTO_IPV6, 19, 0, 1, 1, false },			/* IPV6_MULTICAST_LOOP */
	{ IPPROTO_IPV6, 25, 0, 1, 0, false },			/* IPV6_RECVERR */
	{ IPPROTO_IPV6, 67, -1, 255, 0, false },		/* IPV6_TCLASS */
	{ IPPROTO_TCP, 1, 0, 1, 0, true },			/* TCP_NODELAY */
	{ IPPROTO_TCP, 2, 88, 32767, 32768, true },		/* TCP_MAXSEG */
	{ IPPROTO_TCP, 3, 0, 1, 0, true },			/* TCP_CORK */
	{ IPPROTO_TCP, 4, 1, 32767, 7200, true },		/* TCP_KEEPIDLE */
	{ IPPROTO_TCP, 5, 1, 32767, 75, true },			/* TCP_KEEPINTVL */
	{ IPPROTO_TCP, 6, 1, 127, 9, true },			/* TCP_KEEPCNT */
	{ IPPROTO_TCP, 7, 1, 127, 6, true },			/* TCP_SYNCNT */
	{ IPPROTO_TCP, 9, 0, INT32_MAX, 0, true },		/* TCP_DEFER_ACCEPT */
	{ IPPROTO_TCP, 12, 0, 1, 1, true },			/* TCP_QUICKACK */
	{ IPPROTO_TCP, 18, 0, INT32_MAX, 0, true },		/* TCP_USER_TIMEOUT */
};
_Static_assert(ARRAY_SIZE(kept) == ARRAY_SIZE(((struct inet_socket *)0)->option), "a place each");

static int find(struct socket *s, int level, int name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
		if (kept[i].level == level && kept[i].name == name)
			return kept[i].stream_only && s->type != SOCK_STREAM ? -1 : (int)i;
	return -1;
}

static bool level_known(struct socket *s, int level)
{
	return level == IPPROTO_IP || (level == IPPROTO_IPV6 && s->family == AF_INET6) || level == s->protocol;
}

/* A value is kept as its distance from the initial one, so that a new socket's are all 0. */
int inet_setsockopt(struct socket *s, int level, int name, uaddr_t value, unsigned len)
{
	struct inet_socket *u = inet_of(s);
	int32_t v;
	int i;

	if (!level_known(s, level))
		return level == IPPROTO_IPV6 ? -ENOPROTOOPT : -EOPNOTSUPP;
	i = find(s, level, name);
	if (i < 0 && !(level == IPPROTO_IPV6 && name == IPV6_V6ONLY))
		return -ENOPROTOOPT;
	if (len >= sizeof(v)) {
		if (get_user(v, value))
			return -EFAULT;
	} else if (level == IPPROTO_IP && len >= 1) {	/* a byte will do for these (ip(7)) */
		uint8_t b;

		if (get_user(b, value))
			return -EFAULT;
		v = b;
	} else {
		return -EINVAL;
	}
	if (i < 0) {
		int err = 0;

		mutex_lock(&s->lock);
		if (u->local.port)
			err = -EINVAL;
		else
			WRITE_ONCE(u->v6only, v != 0);
		mutex_unlock(&s->lock);
		return err;
	}
	if (kept[i].min == 0 && kept[i].max == 1)
		v = v != 0;
	if (v < kept[i].min || v > kept[i].max)
		return -EINVAL;
	WRITE_ONCE(u->option[i], v - kept[i].initial);
	return 0;
}

static int put_bytes(const void *v, unsigned size, uaddr_t value, uaddr_t lenp)
{
	int32_t room;

	if (get_user(room, lenp))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	room = (int32_t)MIN((unsigned)room, size);
	return put_user(room, lenp) || copy_to_user(value, v, (unsigned)room) ? -EFAULT : 0;
}

int inet_getsockopt(struct socket *s, int level, int name, uaddr_t value, uaddr_t len)
{
	struct inet_socket *u = inet_of(s);
	int i = find(s, level, name);
	int32_t v;

	if (!level_known(s, level))
		return level == IPPROTO_IPV6 ? -ENOPROTOOPT : -EOPNOTSUPP;
	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
		v = READ_ONCE(u->v6only);
	} else if (level == IPPROTO_TCP && name == TCP_INFO && s->type == SOCK_STREAM) {
		/* struct tcp_info: its state; the counters of a wire stay 0. */
		static const uint8_t states[] = { [INET_CLOSED] = 7, [INET_LISTENING] = 10, [INET_CONNECTING] = 2, [INET_CONNECTED] = 1 };
		uint8_t info[104] = { states[READ_ONCE(u->state)] };

		if (info[0] == 1 && READ_ONCE(u->ended))
			info[0] = READ_ONCE(u->ended) == INET_RCV ? 8 : READ_ONCE(u->ended) == INET_SND ? 5 : 9;
		return put_bytes(info, sizeof(info), value, len);
	} else if (i >= 0) {
		v = READ_ONCE(u->option[i]) + kept[i].initial;
	} else {
		return -ENOPROTOOPT;
	}
	return put_bytes(&v, sizeof(v), value, len);
}
