/* A node that starts from its journal does not know whether the journal is an old copy ("Phases" of docs/protocol.md).
 *
 * Shows, where the author's home is put back from a copy, nobody tells it, and the peer holds everything that was ever signed in public:
 *   second_leaf        it never sends a second leaf at an index that it used in public
 *   second_head        it never signs in public, in a status or with an entry, a second head of a size that it signed before
 *   honest_unproven    an honest peer is never said to have been unable to show our signature
 * and, wherever the restore is found out (FIND, which must break):
 *   noticed            the old copy is noticed
 *
 * The author composes at any time, speaks only when open, and says in statuses the size and root of its log. A head of size n is
 * known by the body of entry n - 1, since no body is written twice. The peer takes entries, and answers statuses: an answer has
 * the echo of a nonce, how much the peer holds, and whether the author's signature on it was shown in the same frame. Entries,
 * statuses and answers may come late, repeated and in any order, or never. The line was open before the model begins.
 *
 * Broken on purpose:
 *   NO_OPENING         a node speaks as soon as it starts
 *   ANY_STATUS         any status of the peer opens the line, not only one that echoes a nonce of this process
 *   OLD_NONCE_ANSWERS  any fresh status after the question counts as its answer, not only one that echoes a nonce of the question
 *   NAMES_UNSPOKEN     statuses name the log as it was at the start of the process: what was composed while opening is named by
 *                      the next process, though that has to open too
 * Limits of the phase, which only a new incarnation (rule 28) or an anchor (rule 32) can lift. They must be found broken too:
 *   UNHELD_ENTRIES     an entry that was sent, or named in a status, before the restore is not yet at the peer
 *   REVERT_RUNNING     the copy is that of a running machine, memory and all: there is no start
 *   PEER_SET_BACK      both desks are put back
 */
#ifndef ENTRIES
#define ENTRIES  2
#endif
#ifndef BODIES
#define BODIES   3
#endif
#ifndef NONCES
#define NONCES   4      /* ever made, counted from 1: 0 stands for none heard */
#endif
#ifndef RESTARTS
#define RESTARTS 1      /* beside the one of the restore */
#endif
#define ANSWER(echo, size, shown) (((echo) * (ENTRIES + 1) + (size)) * 2 + (shown))

#define NEVER(condition, flag) flag = (condition); assert(!flag)
bit second_leaf, second_head, honest_unproven, noticed;

#define OPENING 0
#define OPEN    1
#define STOPPED 2

byte leaf[ENTRIES];                     /* public: for each index the bodies ever sent, as a set */
byte head[ENTRIES + 1];                 /* public: for each size the last bodies below heads ever signed, as a set */
byte said;                              /* the highest size ever signed in public */
bit answer[NONCES * (ENTRIES + 1) * 2]; /* answers ever signed */

byte phase = OPEN;                      /* the author's memory */
byte named;                             /* how much of the log its statuses name while it is opening */
byte first = 1;                         /* the first nonce of this process */
bit asking;                             /* the question of rule 26 is pending */
byte size, body[ENTRIES], spoken;       /* its disk. spoken: how much of the log was there when it was last open */
byte copy_size, copy_body[ENTRIES], copy_spoken; bit has_copy, was_restored;
byte copy_first;
byte written, restarts;
byte made; bit asked[NONCES];           /* nonces ever made, and which of their statuses carried the question */

byte held, held_body[ENTRIES];          /* the peer's disk */
byte peer_copy; bit peer_has_copy, peer_was_restored;
byte heard_nonce; bit showing;          /* its memory: whether it was ever asked to show a checkpoint */

#define each(action) i = 0; do :: i < ENTRIES -> action; i++ :: else -> break od; i = 0

inline sign_head(n) {
    if
    :: n > 0 ->
        NEVER((head[n] & ~(1 << body[n - 1])) != 0, second_head);
        head[n] = head[n] | (1 << body[n - 1]);
        if :: n > said -> said = n :: else fi
    :: else
    fi
}

inline start() {
    first = made + 1; asking = 0;
#ifdef NAMES_UNSPOKEN
    named = size;
#else
    named = spoken;
#endif
#ifdef NO_OPENING
    phase = OPEN; spoken = size
#else
    phase = OPENING
#endif
}

#define holds_ours(n) (n <= size && (n == 0 || body[n - 1] == held_body[n - 1]))
#ifdef ANY_STATUS
#define fresh(echo) true
#else
#define fresh(echo) (echo >= first && echo > 0)
#endif
#ifdef OLD_NONCE_ANSWERS
#define answers_question(echo) true
#else
#define answers_question(echo) asked[echo]
#endif
#ifdef UNHELD_ENTRIES
#define all_held true
#else
#define all_held (held >= said)
#endif

inline stop() {
    phase = STOPPED;
#ifdef FIND
    NEVER(true, noticed)
#endif
}

inline judge(echo, n, shown) {
    if
    :: holds_ours(n) && fresh(echo) ->
        asking = 0;
        if :: phase == OPENING -> phase = OPEN; spoken = size :: else fi
    :: !holds_ours(n) && shown -> stop()                /* our own signature on a log that ours is not */
    :: !holds_ours(n) && !shown && fresh(echo) ->
        if
        :: asking && answers_question(echo) -> NEVER(true, honest_unproven)
        :: else -> asking = 1
        fi
    :: else
    fi
}

active proctype Author() {
    byte i, n; bit s;
end:
    do
    :: atomic { phase != STOPPED && size < ENTRIES && written < BODIES ->
            written++; body[size] = written; size++; if :: phase == OPEN -> spoken = size :: else fi }
    :: atomic { phase == OPEN && size > 0 -> select(i : 0 .. ENTRIES - 1);
            if
            :: i < size ->
                NEVER((leaf[i] & ~(1 << body[i])) != 0, second_leaf);
                leaf[i] = leaf[i] | (1 << body[i]); sign_head(i + 1)
            :: else
            fi; i = 0 }
    :: atomic { made < NONCES - 1 && phase != STOPPED ->
            made++; asked[made] = asking;
            if :: phase == OPENING -> sign_head(named) :: else -> sign_head(size) fi }
    :: atomic { phase != STOPPED -> select(i : 0 .. NONCES - 1); select(n : 0 .. ENTRIES); select(s : 0 .. 1);
            if :: answer[ANSWER(i, n, s)] -> judge(i, n, s) :: else fi; i = 0; n = 0; s = 0 }
    :: atomic { restarts < RESTARTS && phase != STOPPED -> restarts++; start() }
    :: atomic { !has_copy && phase != STOPPED ->
            has_copy = 1; copy_size = size; copy_spoken = spoken; each(copy_body[i] = body[i]); copy_first = first }
    :: atomic { has_copy && !was_restored && all_held ->
            was_restored = 1; size = copy_size; spoken = copy_spoken; each(body[i] = copy_body[i]);
#ifdef REVERT_RUNNING
            phase = OPEN; first = copy_first; asking = 0
#else
            start()
#endif
       }
    od
}

active proctype Peer() {
    byte i;
end:
    do
    :: atomic { held < ENTRIES && leaf[held] != 0 ->
            i = 1; do :: (leaf[held] & (1 << i)) == 0 -> i++ :: else -> break od; held_body[held] = i; held++; i = 0 }
    :: atomic { select(i : 1 .. NONCES - 1);
            if :: i <= made -> heard_nonce = i; if :: asked[i] -> showing = 1 :: else fi :: else fi; i = 0 }
    :: answer[ANSWER(heard_nonce, held, showing)] = 1
#ifdef PEER_SET_BACK
    :: atomic { !peer_has_copy -> peer_has_copy = 1; peer_copy = held }
    :: atomic { peer_has_copy && !peer_was_restored -> peer_was_restored = 1; held = peer_copy }
#endif
    od
}
