/* The session hub of OpenIM's message gateway at v3.5.1 and at v3.8.3, with one loop and with two: a second opinion.
 *
 * It says what src/hub/ says, in another language and for another engine. A step is one d_step and is named by the row
 * of the table in docs/MODEL.md that it stands for; a test compares them. `lab spin` runs it, and defines:
 *
 *   VERSION    V3_5_1, V3_5_1_UNPOOLED, V3_8_3
 *   DESIGN     SINGLE_SELECT, SPLIT_LOOPS
 *   PROPERTY   NO_DEADLOCK, NO_CRASH, NO_GHOST, NO_LOST_SESSION, POLICY_HOLDS, COUNTERS, NO_LEAK,
 *              and KNOTS_LAST: who is in a knot never goes on
 *   POLICY     SAME_TERMINAL; all logins of a user are from the same platform
 *   PEERS      LEAVE, STAY
 *   USERS, LOGINS, CAPACITY, PUSHERS   numbers; at most 4 connections and 2 pushers
 *   PLANTED    NOTHING, or a mistake, to see that it is found: ONE_STEP_TABLE, ROOM_FOR_ONE_MORE
 */

#define V3_5_1          1
#define V3_5_1_UNPOOLED 2
#define V3_8_3          3
#define SINGLE_SELECT   1
#define SPLIT_LOOPS     2
#define NO_DEADLOCK     1
#define NO_CRASH        2
#define NO_GHOST        3
#define NO_LOST_SESSION 4
#define POLICY_HOLDS    5
#define COUNTERS        6
#define NO_LEAK         7
#define KNOTS_LAST      8
#define LEAVE           1
#define STAY            2
#define SAME_TERMINAL   1
#define NOTHING         0
#define ONE_STEP_TABLE  1
#define ROOM_FOR_ONE_MORE 2

#if VERSION < 1 || VERSION > 3
#error "VERSION: there is no such version here"
#endif
#if DESIGN != SINGLE_SELECT && DESIGN != SPLIT_LOOPS
#error "DESIGN: there is no such design here"
#endif
#if PROPERTY < 1 || PROPERTY > 8
#error "PROPERTY: there is no such property here"
#endif
#if POLICY != SAME_TERMINAL
#error "POLICY: there is no such policy here"
#endif
#if PEERS != LEAVE && PEERS != STAY
#error "PEERS: leave or stay"
#endif
#if PUSHERS > 0 && PROPERTY != NO_LEAK && PROPERTY != NO_CRASH
#error "PUSHERS: what is judged at rest is judged without them"
#endif
#if USERS * LOGINS < 1 || USERS * LOGINS > 4 || PUSHERS > 2
#error "USERS, LOGINS, PUSHERS: too many"
#endif

/* How the user table is guarded: one lock around each operation, so that it is one step; or a load and a store. */
#define LOCKED_TABLE (VERSION == V3_8_3 || PLANTED == ONE_STEP_TABLE)

/* Connections and users are numbered from 1; the connections of one user in a row. */
#define CONNECTIONS         (USERS * LOGINS)
#define USER_OF(connection) ((connection - 1) / LOGINS + 1)

/* A task's number; the first are the connections. */
#define REGISTER_LOOP   (CONNECTIONS + 1)
#define UNREGISTER_LOOP (CONNECTIONS + 2)
#define PUSHER          (CONNECTIONS + 3)
#define TASKS           (CONNECTIONS + 2 + PUSHERS)
#if DESIGN == SINGLE_SELECT
#define ME_UNREGISTERS  REGISTER_LOOP
#else
#define ME_UNREGISTERS  UNREGISTER_LOOP
#endif

/* ---- What they share ---- */

/* A client object has the number of the connection that it was made for. Each: the connection that it speaks for now, its
 * closed flag, and how often it is in the pool. Object 0 and connection 0 are none. */
byte bound[CONNECTIONS + 1];
bit closed[CONNECTIONS + 1];
byte pooled[CONNECTIONS + 1];

/* Each connection's socket: whether it is closed; and whether its peer is there, who may close it. */
bit ended[CONNECTIONS + 1];
bit seated[CONNECTIONS + 1];

#include "go.pml"

/* Each user's row: a list of client objects; 0 if there is no row. */
int row[USERS + 1];

#if PUSHERS > 0 && VERSION == V3_8_3
#define LIVE_LISTINGS
/* Who goes through all clients of user 1 has no copy, but the array that the row is in: what removal moves up in it, and
 * what is added to it, is seen. That ends when the array is replaced by a longer one, or the row is removed. */
int array;               /* that array, with what removal has left behind its end; 0 if nobody lists it */
byte size;               /* how many clients it has room for */
bit lists[PUSHERS];      /* by pusher: whether it lists that array */
int kept[PUSHERS];       /* by pusher: an array that was replaced, if it lists one of those */
#endif

/* Who may ever wait to send: the connections on both, and the hub, which kicks, on unregister. */
CHANNEL(register, CONNECTIONS);
CHANNEL(unregister, (CONNECTIONS + 1));

/* How each task stands: what it does next. The last four are ranges, by connection. */
byte stands[TASKS + 1];

#define GOES    0    /* goes on */
#define RESTS   1    /* has nothing in hand, or has ended */
#define SENDS   2    /* is parked in a send */
#define CHECKS  3    /* reads the closed flag of a client that it closes */
#define REPORTS 4    /* sends on unregister */
#define DELETES 5    /* removes the clients that it will kick */
#define STORES  6    /* stores what is left of the row that it has loaded */
#define ADDS    7    /* stores the row that it has loaded, and the new client */
#define READS   16   /* waits for the end of that socket */
#define WRITES  32   /* takes that lock to write to a client */
#define CLOSES  48   /* takes that lock to close a client */

#define STANDS(me, range)  ((stands[me] & 240) == range)
#define WHICH(me)          (stands[me] & 15)

/* What follows a close: nothing for a connection, the next client for the hub. */
#define AFTER_CLOSE(me) (me <= CONNECTIONS -> RESTS : GOES)

#if PROPERTY == COUNTERS
short online_users, online_connections;
#define COUNT(what, by) what = what + by
#else
/* Nobody but that property reads them. */
#define COUNT(what, by) skip
#endif

/* An alternative to a step, where it breaks the program. */
#if PROPERTY == NO_CRASH
#define OR_BREAKS(when) :: d_step { when -> assert(false) }
#else
#define OR_BREAKS(when)
#endif

/* ---- A client object: kick, close ---- */

/* The steps of one task, each an alternative of a loop, guarded by how the task stands. */

/* Before a kick message, or a pushed one: to be written unless it is closed; then `next`. */
inline read_flag_to_write(me, client, next) {
	stands[me] = (closed[client] -> next : WRITES + bound[client])
}

#define CAN_WRITE(me, client)    (STANDS(me, WRITES) && CAN_LOCK_AND_UNLOCK(WHICH(me), bound[client]))
#define WRITE_BREAKS(me, client) (STANDS(me, WRITES) && BREAKS_AFTER_LOCK(WHICH(me), bound[client]))

/* What a task does first that has come to close a client. */
#if VERSION == V3_8_3
#define CLOSING(client) (CLOSES + bound[client])
#else
#define CLOSING(client) CHECKS
#endif

inline read_flag_to_close(me, client) {
	stands[me] = (closed[client] -> AFTER_CLOSE(me) : CLOSES + bound[client])
}

#if VERSION == V3_8_3
/* The flag is read with the lock held; if it is set, that is all. */
#define CAN_CLOSE(me, client) (STANDS(me, CLOSES) && \
	(closed[client] -> CAN_LOCK_AND_UNLOCK(WHICH(me), bound[client]) : !held[WHICH(me)]))
#define CLOSE_BREAKS(me, client) (STANDS(me, CLOSES) && closed[client] && BREAKS_AFTER_LOCK(WHICH(me), bound[client]))
#else
#define CAN_CLOSE(me, client) (STANDS(me, CLOSES) && !held[WHICH(me)])
#define CLOSE_BREAKS(me, client) false
#endif

inline lock_and_close(me, client) {
	if
	:: VERSION == V3_8_3 && closed[client] ->
		lock_and_unlock(me, WHICH(me), bound[client]);
		stands[me] = AFTER_CLOSE(me)
	:: else ->
		held[WHICH(me)] = TAKEN_BY(me);
		deferred[me] = bound[client];
		closed[client] = 1;
		ended[bound[client]] = 1;
		stands[me] = REPORTS
	fi
}

#define CAN_REPORT(me)    (stands[me] == REPORTS && (held[deferred[me]] || !HAS_ROOM(unregister_chan)))
#define REPORT_BREAKS(me) (stands[me] == REPORTS && !held[deferred[me]] && HAS_ROOM(unregister_chan))

inline has_reported(task) {
	held[deferred[task]] = 0;
	deferred[task] = 0;
	stands[task] = AFTER_CLOSE(task)
}

/* Sends a client on unregister with the lock held, and unlocks once there was room. */
inline report(me, client) {
	if
	:: HAS_ROOM(unregister_chan) -> has_reported(me)
	:: else -> unregister_parked!me; stands[me] = SENDS
	fi;
	unregister_chan!client
}

/* To receive from unregister lets the first of the parked unlock, in the same step. */
#define UNLOCK_BREAKS(task) (unregister_parked?[eval(task)] && !held[deferred[task]])
#if CONNECTIONS == 1
#define WAKING_BREAKS (UNLOCK_BREAKS(1) || UNLOCK_BREAKS(2))
#elif CONNECTIONS == 2
#define WAKING_BREAKS (UNLOCK_BREAKS(1) || UNLOCK_BREAKS(2) || UNLOCK_BREAKS(3))
#elif CONNECTIONS == 3
#define WAKING_BREAKS (UNLOCK_BREAKS(1) || UNLOCK_BREAKS(2) || UNLOCK_BREAKS(3) || UNLOCK_BREAKS(4))
#elif CONNECTIONS == 4
#define WAKING_BREAKS (UNLOCK_BREAKS(1) || UNLOCK_BREAKS(2) || UNLOCK_BREAKS(3) || UNLOCK_BREAKS(4) || UNLOCK_BREAKS(5))
#endif

/* ---- The connections, and their peers ---- */

/* An alternative to a new object is one from the pool. */
/* step "get from client pool · reset client" */
#define USED(object) :: d_step { pooled[object] -> pooled[object]--; client = object; reset(client) }

inline reset(object) {
	bound[object] = _pid;
	closed[object] = 0
}

/* The handler, then the reader; its number is its process's. */
proctype connection() {
	byte client;

	/* step "get from client pool · reset client" */
	if
	:: d_step { client = _pid; reset(client) }
#if VERSION != V3_5_1_UNPOOLED
	USED(1)
#if CONNECTIONS > 1
	USED(2)
#endif
#if CONNECTIONS > 2
	USED(3)
#endif
#if CONNECTIONS > 3
	USED(4)
#endif
#endif
	fi;
	/* step "send on register" */
	d_step {
		if
		:: HAS_ROOM(register_chan)
		:: else -> register_parked!_pid; stands[_pid] = SENDS
		fi;
		register_chan!client
	}
	/* step "start the reader" */
	d_step { stands[_pid] == GOES -> stands[_pid] = READS + bound[client]; seated[_pid] = 1 }
#if VERSION == V3_8_3
	/* The reader takes its time to see it, and reads the lock through the object after that. */
	/* step "(reader waits for the end of its socket)" */
	d_step { STANDS(_pid, READS) && ended[WHICH(_pid)] -> stands[_pid] = CLOSES + bound[client] }
#else
	/* step "read closed flag" */
	d_step { STANDS(_pid, READS) && ended[WHICH(_pid)] -> read_flag_to_close(_pid, client) }
#endif
	/* step "lock w · set closed flag · raise end of socket" */
	if
	:: d_step { CAN_CLOSE(_pid, client) -> lock_and_close(_pid, client) }
	OR_BREAKS(CLOSE_BREAKS(_pid, client))
	fi;
	/* step "send on unregister · unlock w" */
	if
	:: d_step { CAN_REPORT(_pid) -> report(_pid, client); client = 0 }
	OR_BREAKS(REPORT_BREAKS(_pid))
	fi;
end:	false
}

/* step "leave · raise end of socket" */
#define PEER(n) :: d_step { seated[n] && !ended[n] -> ended[n] = 1 }

#if PEERS == LEAVE
/* Each may leave once its reader reads, or never. */
proctype peers() {
end:	do
	PEER(1)
#if CONNECTIONS > 1
	PEER(2)
#endif
#if CONNECTIONS > 2
	PEER(3)
#endif
#if CONNECTIONS > 3
	PEER(4)
#endif
	od
}
#endif

/* ---- The user table ---- */

#ifdef LIVE_LISTINGS

inline replace_array() {
	at = 0;
	do
	:: at < PUSHERS ->
		if
		:: lists[at] -> lists[at] = 0; kept[at] = array
		:: else
		fi;
		at++
	:: else -> break
	od;
	array = 0;
	at = 0
}

inline add_in_place(user, client) {
	if
	:: user == 1 ->
		do
		:: row[1] >> at -> at = at + 4
		:: else -> break
		od;
		if
		:: at == 4 * size -> replace_array(); size = (size -> 2 * size : 1)
		:: array -> array = (array & ~(15 << at)) | (client << at)
		:: else
		fi;
		at = 0
	:: else
	fi
}

inline remove_in_place(user, left) {
	if
	:: user == 1 && !left -> replace_array(); size = 0
	:: user == 1 && left && array ->
		do
		:: left >> at -> at = at + 4
		:: else -> break
		od;
		array = ((array >> at) << at) | left;
		at = 0
	:: else
	fi
}

#else
inline add_in_place(user, client) { skip }
inline remove_in_place(user, left) { skip }
#endif

/* ---- The hub ---- */

#if PROPERTY == COUNTERS
inline new_user(it) { is_new = it }
#define NEW_USER is_new
#else
inline new_user(it) { skip }
#define NEW_USER 0
#endif

inline unregistered(me) {
	COUNT(online_connections, -1);
	/* step "put client into client pool" */
#if VERSION != V3_5_1_UNPOOLED
	pooled[client]++;
#endif
	client = 0;
	stands[me] = RESTS
}

inline registered(me) {
	/* step "online users, online connections ±1" */
	COUNT(online_users, NEW_USER);
	COUNT(online_connections, 1);
	new_user(0);
	client = 0;
	stands[me] = RESTS
}

/* Receives a client from register, and what follows. */
inline register_client(me) {
	/* step "select: receive from register / unregister / kick-handler / done" */
	d_step {
		stands[me] == RESTS && nempty(register_chan) ->
		register_chan?client;
		if
		:: nempty(register_parked) -> register_parked?task; stands[task] = GOES; task = 0
		:: empty(register_parked)
		fi;
		stands[me] = GOES
	}
	/* step "look up client in the table" */
	d_step {
		old = row[USER_OF(bound[client])];
		new_user(!old);
#if VERSION == V3_8_3
		/* Of the same token is only the object itself, if it is in the row already. */
		without(old, 1 << bound[client], left);
		old = left;
		left = 0;
#endif
		stands[me] = (old -> DELETES : GOES)
	}
	do
#if LOCKED_TABLE
	/* step "remove clients from the row" */
	:: d_step {
		stands[me] == DELETES ->
		user = USER_OF(bound[client]);
		connections_of(old, gone);
		without(row[user], gone, left);
		gone = 0;
		remove_in_place(user, left);
		row[user] = left;
		left = 0; user = 0;
		stands[me] = GOES
	}
#else
	/* step "load the row · store the row" */
	:: d_step {
		stands[me] == DELETES ->
		user = USER_OF(bound[client]);
		connections_of(old, gone);
		without(row[user], gone, left);
		gone = 0;
		stands[me] = (row[user] -> STORES : GOES);
		user = (row[user] -> user : 0)
	}
	/* step "load the row · store the row" */
	:: d_step {
		stands[me] == STORES ->
		if
		:: !left -> COUNT(online_users, -1)
		:: else
		fi;
		row[user] = left;
		left = 0; user = 0;
		stands[me] = GOES
	}
#endif
	/* Kicks each of them. */
	/* step "read closed flag" */
	:: d_step { stands[me] == GOES && old -> read_flag_to_write(me, FIRST(old), CLOSING(FIRST(old))) }
	/* step "lock w · write the kick message · unlock w" */
	:: d_step {
		CAN_WRITE(me, FIRST(old)) ->
		lock_and_unlock(me, WHICH(me), bound[FIRST(old)]);
		stands[me] = CLOSING(FIRST(old))
	}
	OR_BREAKS(WRITE_BREAKS(me, FIRST(old)))
#if VERSION != V3_8_3
	/* step "read closed flag" */
	:: d_step {
		stands[me] == CHECKS ->
		read_flag_to_close(me, FIRST(old));
		old = (stands[me] == GOES -> REST(old) : old)
	}
#endif
	/* step "lock w · set closed flag · raise end of socket" */
	:: d_step {
		CAN_CLOSE(me, FIRST(old)) ->
		lock_and_close(me, FIRST(old));
		old = (stands[me] == GOES -> REST(old) : old)
	}
	OR_BREAKS(CLOSE_BREAKS(me, FIRST(old)))
	/* step "send on unregister · unlock w" */
	:: d_step { CAN_REPORT(me) -> report(me, FIRST(old)); old = REST(old) }
	OR_BREAKS(REPORT_BREAKS(me))
#if LOCKED_TABLE
	/* step "add client to the row" */
	:: d_step {
		stands[me] == GOES && !old ->
		add_in_place(USER_OF(bound[client]), client);
		append(row[USER_OF(bound[client])], client);
		registered(me)
	}; break
#else
	/* step "load the row · store the row" */
	:: d_step {
		stands[me] == GOES && !old ->
		user = USER_OF(bound[client]);
		left = row[user];
		stands[me] = ADDS
	}
	/* step "load the row · store the row" */
	:: d_step {
		stands[me] == ADDS ->
		append(left, client);
		row[user] = left;
		left = 0; user = 0;
		registered(me)
	}; break
#endif
	od
}


/* Receives a client from unregister, and what follows up to where it is known what is left of the row. */
inline unregister_client(me) {
	/* step "select: receive from register / unregister / kick-handler / done" */
	d_step {
		stands[me] == RESTS && nempty(unregister_chan) && !WAKING_BREAKS ->
		unregister_chan?client;
		if
		:: nempty(unregister_parked) -> unregister_parked?task; has_reported(task); task = 0
		:: empty(unregister_parked)
		fi;
		stands[me] = GOES
	}
#if LOCKED_TABLE
	/* step "remove clients from the row" */
	d_step {
		user = USER_OF(bound[client]);
		without(row[user], 1 << bound[client], left);
		if
		:: row[user] && !left -> COUNT(online_users, -1)
		:: else
		fi;
		remove_in_place(user, left);
		row[user] = left;
		left = 0; user = 0;
		unregistered(me)
	}
#else
	/* step "load the row · store the row" */
	d_step {
		user = USER_OF(bound[client]);
		if
		:: row[user] -> without(row[user], 1 << bound[client], left); stands[me] = STORES
		:: else -> user = 0; unregistered(me)
		fi
	}
#endif
}

/* The last step of unregistering, where that is a step of its own. */
#if LOCKED_TABLE
#define OR_STORES_WHAT_IS_LEFT(me)
#else
#define OR_STORES_WHAT_IS_LEFT(me) \
	/* step "load the row · store the row" */ \
	:: d_step { \
		stands[me] == STORES -> \
		if \
		:: !left -> COUNT(online_users, -1) \
		:: else \
		fi; \
		row[user] = left; \
		left = 0; user = 0; \
		unregistered(me) \
	}
#endif

#if DESIGN == SINGLE_SELECT
proctype hub() {
	byte client, user;
	int old, left;
#if PROPERTY == COUNTERS
	bit is_new;
#endif
end:	do
	:: register_client(REGISTER_LOOP)
	:: unregister_client(REGISTER_LOOP)
	OR_STORES_WHAT_IS_LEFT(REGISTER_LOOP)
#if PROPERTY == NO_CRASH
	:: d_step { stands[REGISTER_LOOP] == RESTS && nempty(unregister_chan) && WAKING_BREAKS -> assert(false) }
#endif
	od
}
#else
proctype register_loop() {
	byte client, user;
	int old, left;
#if PROPERTY == COUNTERS
	bit is_new;
#endif
end:	do
	:: register_client(REGISTER_LOOP)
	od
}

proctype unregister_loop() {
	byte client, user;
	int left;
end:	do
	:: unregister_client(UNREGISTER_LOOP)
	OR_STORES_WHAT_IS_LEFT(UNREGISTER_LOOP)
#if PROPERTY == NO_CRASH
	:: d_step { stands[UNREGISTER_LOOP] == RESTS && nempty(unregister_chan) && WAKING_BREAKS -> assert(false) }
#endif
	od
}
#endif

/* ---- The pusher ---- */

#if PUSHERS > 0

#if PUSHERS > 1
#define OTHER_LISTS(me) lists[1 - (me - PUSHER)]
#else
#define OTHER_LISTS(me) false
#endif

/* What ends the step in which a pusher is done with a client. */
inline next_client(me) {
	client = 0;
	stands[me] = GOES;
#ifdef LIVE_LISTINGS
	if
	:: next == count -> lists[me - PUSHER] = 0; kept[me - PUSHER] = 0; next = 0; count = 0;
		if
		:: OTHER_LISTS(me)
		:: else -> array = 0
		fi
	:: else
	fi
#endif
}

/* A call from another service, with a message for user 1. */
proctype pusher(byte me) {
	byte client;
#ifdef LIVE_LISTINGS
	byte next, count;
	/* step "list all clients of a user" */
	d_step {
		do
		:: row[1] >> (4 * count) -> count++
		:: else -> break
		od;
		array = (array -> array : row[1]);
		lists[me - PUSHER] = (row[1] -> 1 : 0)
	}
	do
	/* step "read number n of the live row" */
	:: d_step {
		stands[me] == GOES && next < count ->
		client = ((lists[me - PUSHER] -> array : kept[me - PUSHER]) >> (4 * next)) & 15;
		next++;
		stands[me] = CHECKS
	}
	/* step "read closed flag" */
	:: d_step {
		stands[me] == CHECKS ->
		read_flag_to_write(me, client, GOES);
		if
		:: stands[me] == GOES -> next_client(me)
		:: else
		fi
	}
#else
	int view;
	/* step "list all clients of a user" */
	d_step { view = row[1] }
	do
	/* step "read closed flag" */
	:: d_step {
		stands[me] == GOES && view ->
		client = FIRST(view);
		view = REST(view);
		read_flag_to_write(me, client, GOES);
		client = (stands[me] == GOES -> 0 : client)
	}
#endif
	/* step "lock w · write a message · unlock w" */
	:: d_step {
		CAN_WRITE(me, client) ->
#if PROPERTY == NO_LEAK
		assert(USER_OF(bound[client]) == 1);
#endif
		lock_and_unlock(me, WHICH(me), bound[client]);
		next_client(me)
	}
	OR_BREAKS(WRITE_BREAKS(me, client))
	od
}
#endif

/* ---- Properties ---- */

#define AT_REST(task) (stands[task] == RESTS || stands[task] == SENDS || \
	(STANDS(task, READS) && !ended[WHICH(task)]) || (stands[task] >= WRITES && held[WHICH(task)]))
#define STUCK(task) (stands[task] == SENDS || stands[task] >= WRITES)

#if CONNECTIONS == 1
#define OF_CONNECTIONS(op, is) is(1)
#elif CONNECTIONS == 2
#define OF_CONNECTIONS(op, is) (is(1) op is(2))
#elif CONNECTIONS == 3
#define OF_CONNECTIONS(op, is) (is(1) op is(2) op is(3))
#elif CONNECTIONS == 4
#define OF_CONNECTIONS(op, is) (is(1) op is(2) op is(3) op is(4))
#endif

#if DESIGN == SINGLE_SELECT
#define LOOPS_AT_REST (AT_REST(REGISTER_LOOP) && \
	(stands[REGISTER_LOOP] != RESTS || (empty(register_chan) && empty(unregister_chan))))
#define A_LOOP_IS_STUCK STUCK(REGISTER_LOOP)
#else
#define LOOPS_AT_REST (AT_REST(REGISTER_LOOP) && (stands[REGISTER_LOOP] != RESTS || empty(register_chan)) && \
	stands[UNREGISTER_LOOP] == RESTS && empty(unregister_chan))
#define A_LOOP_IS_STUCK STUCK(REGISTER_LOOP)
#endif

/* Nothing can move but a peer that decides to leave. */
#define ALL_AT_REST (LOOPS_AT_REST && OF_CONNECTIONS(&&, AT_REST))
#define SOMEBODY_IS_STUCK (A_LOOP_IS_STUCK || OF_CONNECTIONS(||, STUCK))

/* What a hang leaves behind is its doing. */
#define JUDGED (ALL_AT_REST && !SOMEBODY_IS_STUCK)

#if PROPERTY == NO_DEADLOCK || PROPERTY == KNOTS_LAST

/* Who waits to send or to lock. */
#define WAITS(task) (stands[task] == SENDS || (stands[task] >= WRITES && held[WHICH(task)]))
#define SOMEBODY_WAITS (WAITS(REGISTER_LOOP) || OF_CONNECTIONS(||, WAITS))

/* A knot: from one that waits to the one who alone could end that wait, who waits too, and so on, for ever or up to one that
 * has ended. A send on register has no lock that it would free. */
inline find_knot() {
	one = 1;
	do
	:: one <= REGISTER_LOOP && !knot ->
		other = one;
		seen = 0;
		do
		:: WAITS(other) && seen <= TASKS ->
			other = (stands[other] == SENDS
				-> (deferred[other] -> ME_UNREGISTERS : REGISTER_LOOP)
				: held[WHICH(other)]);
			seen++
		:: else -> break
		od;
		knot = (seen && (seen > TASKS || (other <= CONNECTIONS && stands[other] == RESTS)) -> one : 0);
		one++
	:: else -> break
	od;
	one = 0; other = 0; seen = 0
}

proctype judge() {
	byte knot, one, other, seen;
end:	do
#if PROPERTY == NO_DEADLOCK
	:: d_step { SOMEBODY_WAITS -> find_knot(); assert(!knot) }
	/* Nobody moves any more, so nobody will come. */
	:: d_step { ALL_AT_REST -> assert(!SOMEBODY_IS_STUCK) }
#else
	:: d_step { !knot && SOMEBODY_WAITS -> find_knot() }
	:: d_step { knot && !WAITS(knot) -> assert(false) }
#endif
	od
}

#elif PROPERTY != NO_CRASH && PROPERTY != NO_LEAK

proctype judge() {
	int seen;
	byte one, other;
end:	do
	:: d_step {
		JUDGED ->
#if PROPERTY == NO_GHOST || PROPERTY == NO_LOST_SESSION
		one = 1;
		do
		:: one <= USERS -> connections_of(row[one], seen); one++
		:: else -> break
		od;
		one = 1;
		do
		:: one <= CONNECTIONS ->
#if PROPERTY == NO_GHOST
			assert(!(ended[one] && ((seen >> one) & 1)));
#else
			assert(ended[one] || ((seen >> one) & 1));
#endif
			one++
		:: else -> break
		od;
		one = 0; seen = 0
#elif PROPERTY == POLICY_HOLDS
		one = 2;
		do
		:: one <= CONNECTIONS ->
			other = 1;
			do
			:: other < one ->
				assert(USER_OF(one) != USER_OF(other) || ended[one] || ended[other]);
				other++
			:: else -> break
			od;
			one++
		:: else -> break
		od;
		one = 0; other = 0
#else
		one = 1;
		do
		:: one <= USERS ->
			list = row[one];
			other = other + (list -> 1 : 0);
			do
			:: list -> seen++; list = REST(list)
			:: else -> break
			od;
			one++
		:: else -> break
		od;
		assert(online_users == other && online_connections == seen);
		one = 0; other = 0; seen = 0
#endif
	}
	od
}
#endif

init {
	atomic {
		stands[REGISTER_LOOP] = RESTS;
		stands[UNREGISTER_LOOP] = RESTS;
		run connection();
#if CONNECTIONS > 1
		run connection();
#endif
#if CONNECTIONS > 2
		run connection();
#endif
#if CONNECTIONS > 3
		run connection();
#endif
#if DESIGN == SINGLE_SELECT
		run hub()
#else
		run register_loop();
		run unregister_loop()
#endif
#if PEERS == LEAVE
		; run peers()
#endif
#if PUSHERS > 0
		; run pusher(PUSHER)
#endif
#if PUSHERS > 1
		; run pusher(PUSHER + 1)
#endif
#if PROPERTY != NO_CRASH && PROPERTY != NO_LEAK
		; run judge()
#endif
	}
}
