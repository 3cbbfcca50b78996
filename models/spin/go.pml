/* What Go gives the hub: a mutex, an unlock that is deferred, a channel. And lists. Each is used within a step. */

/* sync.Mutex, one for each connection: 0, or who has taken it. Who waits for one has done nothing that anybody could see:
 * whoever waits could as well come later. So there is no line. */
byte held[CONNECTIONS + 1];

#if PROPERTY == NO_DEADLOCK || PROPERTY == KNOTS_LAST
#define TAKEN_BY(me) me
#else
/* Nobody asks who it was. */
#define TAKEN_BY(me) 1
#endif

/* The lock that a task will free: what `defer` reads through the object, after the other was taken. */
byte deferred[TASKS + 1];

/* Whether lock `taken` can be taken and lock `freed` be freed after that. To free a lock that nobody holds ends the
 * program. Such a step is not taken here: whatever the others can do can come before it. */
#define CAN_LOCK_AND_UNLOCK(taken, freed) (!held[taken] && (freed == taken || held[freed]))
#define BREAKS_AFTER_LOCK(taken, freed)   (!held[taken] && freed != taken && !held[freed])

inline lock_and_unlock(me, taken, freed) {
	held[taken] = TAKEN_BY(me);
	held[freed] = 0
}

/* A channel: what was sent and not yet received, and the senders of all that is beyond the capacity, who are parked.
 * First come, first served. To receive makes room for the first of the parked, who then has sent, in the same step: so
 * nobody overtakes it. A receiver that waits has done nothing that anybody could see. This holds for capacity 0, too. */
#define CHANNEL(name, senders) \
	chan name##_chan = [CAPACITY + senders] of { byte }; \
	chan name##_parked = [senders] of { byte }

#if PLANTED == ROOM_FOR_ONE_MORE
#define HAS_ROOM(name) (len(name) < CAPACITY + 1)
#else
#define HAS_ROOM(name) (len(name) < CAPACITY)
#endif

/* Lists of client objects, first in front: numbers with four bits an entry. */
#define FIRST(list) (list & 15)
#define REST(list)  (list >> 4)

/* For use within one step; 0 before and after it. */
int list;
byte at, gone, task;

/* Adds `entry` at the end of `to`. */
inline append(to, entry) {
	do
	:: to >> at -> at = at + 4
	:: else -> break
	od;
	to = to | (entry << at);
	at = 0
}

/* Sets `left` to the clients of `from` that speak for none of the connections in `these`, a set of bits. */
inline without(from, these, left) {
	list = from;
	left = 0;
	do
	:: list ->
		if
		:: (these >> bound[FIRST(list)]) & 1
		:: else -> left = left | (FIRST(list) << at); at = at + 4
		fi;
		list = REST(list)
	:: else -> break
	od;
	at = 0
}

/* Sets `found`, which is 0, to the connections that the clients of `from` speak for. */
inline connections_of(from, found) {
	list = from;
	do
	:: list -> found = found | (1 << bound[FIRST(list)]); list = REST(list)
	:: else -> break
	od
}
