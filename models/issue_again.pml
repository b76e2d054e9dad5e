/* Issuing again, and the spare: up to three machines of one desk run at once, each in an incarnation of its own.
 *
 * Shows (rules 28-30):
 *   two_bodies_in_one_slot   no index of a log is ever sent with two notices
 *   shown_twice              the peer shows a notice once, though it may come in the logs of several incarnations
 *   lost                     what a machine takes for delivered was shown by the peer
 *   grown_after_the_end      a log does not grow after the peer's CONTINUES has said where it ended
 *   left_waiting             when nothing more can happen, all that the newest machine has is receipted, and what the copy knew is
 *                            shown: nothing stays behind
 *
 * Machine 0 is the old one. Machine 1 is the spare: it starts from a copy of machine 0's journal, under a certificate that the
 * identity signed ahead, while machine 0 may still run and write. Machine 2 is restored from the same copy, later or before, under
 * a certificate that the identity signs then. Each issues again what its copy knows no receipt for. A notice is its release nonce
 * and content, the same in every incarnation. Entries, receipts and certificates come late, repeated, in any order, or never.
 *
 * Broken on purpose:
 *   SAME_INC_SPARE       the spare runs in the incarnation of the old machine, as a hot standby would
 *   SPARE_NOT_COUNTED    the identity signs ahead and does not count it: its next certificate has the spare's incarnation
 *   NEW_NONCE            a notice that is issued again gets a new nonce, so nobody can know it again
 *   KNOWN_BY_SLOT        the peer knows what is issued again by the slot that it names, not by its nonce
 *   LATE_APPENDED        late entries of an old incarnation are appended to its log
 *   NOT_ISSUED_AGAIN     a new incarnation begins with nothing
 */
#ifndef NOTICES
#define NOTICES 3
#endif
#define MACHINES 3
#define SLOTS    NOTICES
#define SLOT(inc, i) ((inc) * SLOTS + (i))

#define NEVER(condition, flag) flag = (condition); assert(!flag)
bit two_bodies_in_one_slot, shown_twice, lost, grown_after_the_end, left_waiting;

byte sent[MACHINES * SLOTS];            /* the network: for each slot the notices ever sent, as a set */
byte receipt[MACHINES];
bit certificate[MACHINES];

typedef Machine { bit runs; byte inc; byte size; byte log[SLOTS]; byte received }   /* received: the size that has a receipt */
Machine m[MACHINES];
byte written;                           /* notices 1 .. written exist; each is written by one machine */
byte copy_size, copy_received, copy_log[SLOTS]; bit copied;

byte now;                               /* the peer: the incarnation that it follows */
byte held[MACHINES];                    /* and how much it holds of each log */
byte kept[MACHINES * SLOTS];            /* what it holds there */
byte ended[MACHINES];                   /* what its CONTINUES says of the old log, + 1 */
byte shown;                             /* notices shown, as a set */

#ifdef SAME_INC_SPARE
#define SPARE_INC 0
#else
#define SPARE_INC 1
#endif
#ifdef SPARE_NOT_COUNTED
#define RESTORED_INC 1
#else
#define RESTORED_INC 2
#endif

#define each(action) i = 0; do :: i < SLOTS -> action; i++ :: else -> break od; i = 0
#define latest (certificate[2] -> 2 : (certificate[1] -> 1 : 0))
#define waits(k) (m[k].runs && m[k].inc == latest && m[k].received < m[k].size)
#define not_sent(k) ((sent[SLOT(m[k].inc, m[k].size - 1)] & (1 << m[k].log[m[k].size - 1])) == 0)

inline begin(k, number) {
    m[k].runs = 1; m[k].inc = number; certificate[number] = 1;
#ifdef SAME_INC_SPARE
    m[k].size = copy_size; m[k].received = copy_received; each(m[k].log[i] = copy_log[i]);
#elif !defined(NOT_ISSUED_AGAIN)
    i = copy_received;
    do :: i < copy_size -> m[k].log[m[k].size] = copy_log[i]; m[k].size++; i++ :: else -> break od; i = 0
#endif
}

inline write_notice(k) {
    written++; m[k].log[m[k].size] = written; m[k].size++
}

proctype Desk(byte k) {
    byte i;
end:
    do
    :: atomic { m[k].runs && written < NOTICES && m[k].size < SLOTS -> write_notice(k) }
    :: atomic { m[k].runs && m[k].size > m[k].received && not_sent(k) ->    /* what arrives late or twice is the network's part */
            i = m[k].received;
            do :: i < m[k].size ->
                    NEVER((sent[SLOT(m[k].inc, i)] & ~(1 << m[k].log[i])) != 0, two_bodies_in_one_slot);
                    sent[SLOT(m[k].inc, i)] = sent[SLOT(m[k].inc, i)] | (1 << m[k].log[i]);
                    i++
               :: else -> break od; i = 0 }
    :: atomic { m[k].runs && receipt[m[k].inc] > m[k].received ->
            i = m[k].received;
            do :: i < receipt[m[k].inc] && i < m[k].size -> NEVER((shown & (1 << m[k].log[i])) == 0, lost); i++
               :: else -> break od;
            m[k].received = i; i = 0 }
    :: atomic { k == 0 && !copied -> copied = 1;
            copy_size = m[0].size; copy_received = m[0].received; each(copy_log[i] = m[0].log[i]) }
    :: atomic { k == 1 && copied && !m[1].runs -> begin(1, SPARE_INC) }
    :: atomic { k == 2 && copied && !m[2].runs -> begin(2, RESTORED_INC) }
    od
}

inline present(notice) {
#if defined(NEW_NONCE)
    known = 0;                                                          /* it looks like any other notice */
#elif defined(KNOWN_BY_SLOT)
    known = 0; i = 0;                                                   /* it names a slot of the old machine's log */
    do :: now > 0 && i < held[0] -> if :: kept[SLOT(0, i)] == notice -> known = 1 :: else fi; i++ :: else -> break od; i = 0;
#else
    known = (shown & (1 << notice)) != 0;
#endif
    if :: !known -> NEVER((shown & (1 << notice)) != 0, shown_twice); shown = shown | (1 << notice) :: else fi;
    known = 0
}

inline take(inc) {
    n = 1; do :: (sent[SLOT(inc, held[inc])] & (1 << n)) == 0 -> n++ :: else -> break od;
    NEVER(ended[inc] > 0, grown_after_the_end);
    kept[SLOT(inc, held[inc])] = n; held[inc]++; present(n); n = 0
}

active proctype Peer() {
    byte i, n; bit known;
end:
    do
    :: atomic { held[now] < SLOTS && sent[SLOT(now, held[now])] != 0 -> take(now) }     /* one transaction, then the receipt */
    :: atomic { receipt[now] < held[now] -> receipt[now] = held[now] }
    :: atomic { now < 2 && certificate[2] -> ended[now] = held[now] + 1; now = 2 }
    :: atomic { now < 1 && certificate[1] -> ended[now] = held[now] + 1; now = 1 }
#ifdef LATE_APPENDED
    :: atomic { now > 0 && held[0] < SLOTS && sent[SLOT(0, held[0])] != 0 -> take(0) }
#endif
    od
}

active proctype AtTheEnd() {
    byte i;
end:
    atomic { timeout ->
        NEVER(waits(0) || waits(1) || waits(2), left_waiting);
        do
        :: i < copy_size && (m[1].runs || m[2].runs) -> NEVER((shown & (1 << copy_log[i])) == 0, left_waiting); i++
        :: else -> break
        od }
}

init { atomic { m[0].runs = 1; run Desk(0); run Desk(1); run Desk(2) } }
