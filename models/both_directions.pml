/* Both directions of a line: both desks write, are backed up and restored, and both may be new at once.
 *
 * Shows (rules 28-30), whatever arrives late, twice, in another order or never:
 *   two_bodies_in_one_slot   no index of a log is ever sent with two notices
 *   receipt_without_data     what an author hears a receipt for, in the pair that both are in, is on the reader's disk
 *   invented_inc             nobody follows an incarnation of the peer that its identity did not count
 * and with LIVENESS
 *   heals                    once the network heals and nobody is restored any more, both desks come to the same pair, and
 *                            everything that its author still knows and has no receipt for is issued again and receipted. When it
 *                            heals, everything that was under way is lost. Under weak fairness of each process.
 *
 * A log belongs to a pair (own incarnation, the peer's), and is new with either. Each desk says again and again what it has:
 * its certificate, what has no receipt, its receipt. Nobody asks anybody before it speaks.
 *
 * Broken on purpose:
 *   INC_FROM_BACKUP     a restore counts on from the incarnation that the backup knows
 *   LOG_BY_OWN_INC      a log belongs to its author's incarnation alone, and goes on when the peer is new
 *   NOT_ISSUED_AGAIN    a new pair begins with nothing                                   (LIVENESS)
 *   CERTIFICATE_ONCE    a certificate is sent once                                       (LIVENESS)
 *   RECEIPT_ONCE        a receipt is sent once, also if its entry comes again            (LIVENESS)
 */
#ifndef NOTICES
#define NOTICES  2      /* that each desk writes */
#endif
#ifndef RESTORES
#define RESTORES 1      /* of each desk */
#endif
#define INCS     (RESTORES + 1)
#define PAIR(author, inc, peer_inc) (((author) * INCS + (inc)) * INCS + (peer_inc))
#ifdef LOG_BY_OWN_INC
#define OUTGOING(d) PAIR(d, inc[d], 0)
#define INCOMING(d) PAIR(1 - d, peer_inc[d], 0)
#else
#define OUTGOING(d) PAIR(d, inc[d], peer_inc[d])
#define INCOMING(d) PAIR(1 - d, peer_inc[d], inc[d])
#endif
#define PAIRS (2 * INCS * INCS)
#define SLOT(pair, i) ((pair) * NOTICES + (i))

#define NEVER(condition, flag) flag = (condition); assert(!flag)
bit two_bodies_in_one_slot, receipt_without_data, invented_inc;

byte sent[PAIRS * NOTICES];             /* the network: for each slot the notices on their way, as a set */
byte receipt[PAIRS];                    /* by the pair of the log that it is for */
byte certificate[2];                    /* the highest on its way; lower ones may come first */
bit healed;

byte inc[2], peer_inc[2];               /* each desk's disk */
byte written[2], todo[2];               /* notices written; those that have no receipt, as a set */
byte size[2], received[2], log[2 * NOTICES];    /* the outgoing log of the pair, and how much of it has a receipt */
byte held[2];                           /* how much of the incoming log of the pair is here */
byte copy_inc[2], copy_peer_inc[2], copy_todo[2], copy_held[2]; bit copied[2];
byte medium_inc[2];                     /* the identity's medium: never restored */
byte restores[2];
bit receipted[2], certified[2];         /* only for what is sent once */

inline new_outgoing(d) {
    size[d] = 0; received[d] = 0; i = 0;
    do :: i < NOTICES -> log[d * NOTICES + i] = 0; i++ :: else -> break od;
#ifndef NOT_ISSUED_AGAIN
    i = 1;
    do
    :: i <= NOTICES ->
        if :: todo[d] & (1 << i) -> log[d * NOTICES + size[d]] = i; size[d]++ :: else fi; i++
    :: else -> break
    od;
#endif
    i = 0
}

inline say(d) {
#ifdef CERTIFICATE_ONCE
    if :: !certified[d] -> certified[d] = 1; certificate[d] = inc[d] :: else fi;
#else
    if :: certificate[d] < inc[d] -> certificate[d] = inc[d] :: else fi;
#endif
#ifdef RECEIPT_ONCE
    if :: held[d] > 0 && !receipted[d] -> receipted[d] = 1; receipt[INCOMING(d)] = held[d] :: else fi;
#else
    if :: receipt[INCOMING(d)] < held[d] -> receipt[INCOMING(d)] = held[d] :: else fi;
#endif
    i = received[d];
    do
    :: i < size[d] ->
        NEVER((sent[SLOT(OUTGOING(d), i)] & ~(1 << log[d * NOTICES + i])) != 0, two_bodies_in_one_slot);
        sent[SLOT(OUTGOING(d), i)] = sent[SLOT(OUTGOING(d), i)] | (1 << log[d * NOTICES + i]); i++
    :: else -> break
    od;
    i = 0
}

proctype Desk(byte d) {
    byte i;
end:
    do
    :: atomic { !healed && written[d] < NOTICES && size[d] < NOTICES ->
            written[d]++; todo[d] = todo[d] | (1 << written[d]); log[d * NOTICES + size[d]] = written[d]; size[d]++ }
    :: atomic { say(d) }
    :: atomic { !healed && !copied[d] -> copied[d] = 1;
            copy_inc[d] = inc[d]; copy_peer_inc[d] = peer_inc[d]; copy_todo[d] = todo[d]; copy_held[d] = held[d] }
    :: atomic { !healed && copied[d] && restores[d] < RESTORES -> restores[d]++;
#ifdef INC_FROM_BACKUP
            inc[d] = copy_inc[d] + 1; medium_inc[d] = inc[d];
#else
            medium_inc[d]++; inc[d] = medium_inc[d];
#endif
            certified[d] = 0; receipted[d] = 0;
            peer_inc[d] = copy_peer_inc[d]; todo[d] = copy_todo[d];
#ifdef LOG_BY_OWN_INC
            held[d] = copy_held[d];
#else
            held[d] = 0;
#endif
            new_outgoing(d) }
    od
}

/* Brings things to desk d, each once it is useful: what comes twice or too late changes nothing. */
proctype Network(byte d) {
    byte i;
end:
    do
    :: atomic { held[d] < NOTICES && sent[SLOT(INCOMING(d), held[d])] != 0 -> held[d]++; receipted[d] = 0 }
    :: atomic { receipt[OUTGOING(d)] > received[d] -> i = received[d];
            NEVER(peer_inc[1 - d] == inc[d] && inc[1 - d] == peer_inc[d] && held[1 - d] < receipt[OUTGOING(d)], receipt_without_data);
            received[d] = receipt[OUTGOING(d)];
            do :: i < received[d] -> todo[d] = todo[d] & ~(1 << log[d * NOTICES + i]); i++ :: else -> break od; i = 0 }
    :: atomic { certificate[1 - d] > peer_inc[d] ->
            if :: peer_inc[d]++ :: peer_inc[d] = certificate[1 - d] fi;     /* with two restores the first may be heard of, or not */
            held[d] = 0; receipted[d] = 0;
#ifndef LOG_BY_OWN_INC
            new_outgoing(d);
#endif
            NEVER(peer_inc[d] > medium_inc[1 - d], invented_inc) }
    od
}

#ifdef LIVENESS
active proctype Healing() {
    byte i;
end:
    atomic { true -> healed = 1;
        do :: i < PAIRS * NOTICES -> sent[i] = 0; i++ :: else -> break od; i = 0;
        do :: i < PAIRS -> receipt[i] = 0; i++ :: else -> break od; i = 0;
        certificate[0] = 0; certificate[1] = 0 }
}

#define settled (inc[0] == peer_inc[1] && inc[1] == peer_inc[0] && todo[0] == 0 && todo[1] == 0)
ltl heals { [] (healed -> <> settled) }
#endif

init { atomic { run Desk(0); run Desk(1); run Network(0); run Network(1) } }
