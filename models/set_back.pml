/* A hearer judges a peer's statuses while relays hold them back, repeat and reorder them (rule 26, "freshness").
 *
 * Shows:
 *   false_accusation    who was not set back is never said to be
 *   Under FIND, the opposite is asked: that nobody is ever accused. It must break: a peer that was set back can be seen.
 *
 * The peer takes entries into custody, gives receipts, and says in statuses how much it holds, with the last nonce that it
 * heard. The hearer makes nonces, restarts (its nonces are then forgotten, what the peer signed is not), and judges.
 *
 * Broken on purpose: JUDGE_ANY      every status is judged, fresh or not
 *                    JUDGE_NEWEST   a fresh status is judged against the newest receipt, not against what stood before its nonce
 * SET_BACK: the peer may be put back from an old copy, once.
 */
#ifndef ENTRIES
#define ENTRIES 2
#endif
#ifndef NONCES
#define NONCES  4       /* ever made; nonce 0 stands for none heard */
#endif
#ifndef RESTARTS
#define RESTARTS 1
#endif
#define KEPT    2       /* of the hearer's last nonces an answer may echo one */
#define STATUS(echo, size) ((echo) * (ENTRIES + 1) + (size))

#define NEVER(condition, flag) flag = (condition); assert(!flag)
bit false_accusation, accusation;

bit status[NONCES * (ENTRIES + 1)];     /* statuses ever signed: (echo, held) */
bit receipt[ENTRIES + 1];               /* receipts ever signed */
byte held, copy; bit was_set_back;      /* the peer's disk and its copy */
byte heard_nonce;                       /* the last nonce that the peer heard */
byte bound;                             /* the hearer: the most that the peer was heard to have signed */
byte made;                              /* nonces made: 1 .. made */
byte first = 1;                         /* the first nonce of this process */
byte bound_at[NONCES];                  /* what was bound when this nonce was made */
byte restarts;

active proctype Peer() {
    byte n;
end:
    do
    :: atomic { held < ENTRIES -> held++; receipt[held] = 1 }
    :: status[STATUS(heard_nonce, held)] = 1
    :: atomic { select(n : 1 .. NONCES - 1); if :: n <= made -> heard_nonce = n :: else fi; n = 0 }     /* late ones too */
    :: copy = held
#ifdef SET_BACK
    :: atomic { !was_set_back && copy < held -> held = copy; was_set_back = 1 }
#endif
    od
}

inline judge(size, floor) {
    if
    :: size < floor ->
        NEVER(!was_set_back, false_accusation);
#ifdef FIND
        NEVER(true, accusation)
#endif
    :: else
    fi
}

active proctype Hearer() {
    byte echo, size;
end:
    do
    :: atomic { select(size : 1 .. ENTRIES); if :: receipt[size] && size > bound -> bound = size :: else fi; size = 0 }
    :: atomic { made < NONCES - 1 -> made++; bound_at[made] = bound }
    :: atomic { restarts < RESTARTS -> restarts++; first = made + 1 }
    :: atomic { select(echo : 0 .. NONCES - 1); select(size : 0 .. ENTRIES);
            if
            :: status[STATUS(echo, size)] ->
#if defined(JUDGE_ANY)
                judge(size, bound);
#elif defined(JUDGE_NEWEST)
                if :: echo >= first && echo > 0 && echo + KEPT > made -> judge(size, bound) :: else fi;
#else
                if :: echo >= first && echo > 0 && echo + KEPT > made -> judge(size, bound_at[echo]) :: else fi;
#endif
                if :: size > bound -> bound = size :: else fi          /* what a status says binds its signer, fresh or not */
            :: else
            fi; echo = 0; size = 0 }
    od
}
