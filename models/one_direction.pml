/* One direction of the log: an author and a reader, each on a disk that may crash; the author may be put back from a backup.
 *
 * Shows (rules 18, 21-23, 28):
 *   two_bodies_in_one_slot       no index of a log is ever sent with two bodies: so no key is used twice, and there is no fork
 *   receipt_without_data         what has a receipt is on the reader's disk, also after its power failed
 *   receipt_for_another_body     what an author hears a receipt for is what its own log holds at that index
 *
 * The network: what was ever sent may arrive at any time, any number of times and in any order, or never.
 * A slot is (incarnation, index). Bodies are numbered as they are written; 0 is none.
 *
 * Broken on purpose, each by a -D:
 *   SEND_BEFORE_COMMIT       an entry leaves before it is durable
 *   RECEIPT_BEFORE_COMMIT    a receipt leaves before the entry is durable
 *   INC_FROM_BACKUP          a restore counts on from the incarnation that the backup knows, not from the identity's medium
 *   SAME_INC                 a restore goes on in the old incarnation
 *   ASK_PEER                 a restore goes on in the old incarnation, after it asked the reader how far it is and took what it has
 */
#ifndef ENTRIES
#define ENTRIES  2      /* indexes of one log */
#endif
#ifndef BODIES
#define BODIES   3      /* bodies ever written */
#endif
#ifndef RESTORES
#define RESTORES 2
#endif
#ifndef CRASHES
#define CRASHES  1      /* of each side */
#endif
#ifndef BACKUPS
#define BACKUPS  1
#endif
#define INCS     (RESTORES + 1)
#define SLOT(inc, i) ((inc) * ENTRIES + (i))

#if defined(SAME_INC) || defined(ASK_PEER)
#define OLD_INC
#endif

#define NEVER(condition, flag) flag = (condition); assert(!flag)
bit two_bodies_in_one_slot, receipt_without_data, receipt_for_another_body;

/* The network: for each slot the set of bodies ever sent, for each incarnation the largest receipt, and certificates. */
byte sent[INCS * ENTRIES];
byte receipt[INCS];
bit certificate[INCS];

/* The author's memory, disk and backup. The medium of the identity is never restored. */
byte size, body[ENTRIES];
byte disk_size, disk_body[ENTRIES], disk_inc;
byte copy_size, copy_body[ENTRIES], copy_inc;
byte medium_inc;
byte written, backups, restores, crashes;
bit asked = 1;          /* only for ASK_PEER: the reader's answer was taken since the last start */

/* The reader's memory and disk. Logs of older incarnations are frozen at held[inc]. */
byte reader_inc, taken, held[INCS], reader_crashes;

#define each(action) i = 0; do :: i < ENTRIES -> action; i++ :: else -> break od; i = 0

inline send(index, number) {
    NEVER((sent[SLOT(disk_inc, index)] & ~(1 << number)) != 0, two_bodies_in_one_slot);
    sent[SLOT(disk_inc, index)] = sent[SLOT(disk_inc, index)] | (1 << number)
}

inline to_disk()   { disk_size = size; each(disk_body[i] = body[i]) }
inline from_disk() { size = disk_size; each(body[i] = disk_body[i]) }

active proctype Author() {
    byte i;
end:
    do
#ifdef SEND_BEFORE_COMMIT
    :: atomic { size == disk_size && size < ENTRIES && written < BODIES ->
            written++; body[size] = written; send(size, written); size++ }
    :: atomic { size > disk_size -> to_disk() }
#else
    :: atomic { asked && size < ENTRIES && written < BODIES ->         /* rule 18: one transaction, then speak */
            written++; body[size] = written; size++; to_disk() }
    :: atomic { asked && disk_size > 0 -> select(i : 0 .. ENTRIES - 1);
            if :: i < disk_size -> send(i, disk_body[i]) :: else fi; i = 0 }
#endif
    :: atomic { crashes < CRASHES -> crashes++; from_disk() }
    :: atomic { backups < BACKUPS ->
            backups++; copy_inc = disk_inc; copy_size = disk_size; each(copy_body[i] = disk_body[i]) }
    :: atomic { backups > 0 && restores < RESTORES ->
            restores++;
#ifdef OLD_INC
            disk_inc = copy_inc; disk_size = copy_size; each(disk_body[i] = copy_body[i]);
#ifdef ASK_PEER
            asked = 0;
#endif
#else
#ifdef INC_FROM_BACKUP
            disk_inc = copy_inc + 1;
#else
            medium_inc++; disk_inc = medium_inc;
#endif
            certificate[disk_inc] = 1;
            disk_size = 0; each(disk_body[i] = 0);                     /* rule 28: the log begins anew */
#endif
            from_disk() }
#ifdef ASK_PEER
    :: atomic { !asked ->
            i = disk_size;                                             /* the reader may give back what it took in custody */
            do :: i < held[0] -> disk_body[i] = 0;
                    do :: (sent[SLOT(0, i)] & (1 << disk_body[i])) == 0 -> disk_body[i]++ :: else -> break od;
                    i++
               :: else -> break od;
            if :: held[0] > disk_size -> disk_size = held[0] :: else fi;
            i = 0; from_disk(); asked = 1 }
#endif
    :: atomic { asked && receipt[disk_inc] > 0 -> select(i : 1 .. ENTRIES);
            if :: i <= receipt[disk_inc] ->
                    NEVER(held[disk_inc] < i, receipt_without_data);
                    NEVER(i <= disk_size && sent[SLOT(disk_inc, i - 1)] != 1 << disk_body[i - 1], receipt_for_another_body)
               :: else fi; i = 0 }
    od
}

active proctype Reader() {
    byte i;
end:
    do
    :: atomic { taken < ENTRIES && sent[SLOT(reader_inc, taken)] != 0 -> taken++;
#ifdef RECEIPT_BEFORE_COMMIT
            if :: receipt[reader_inc] < taken -> receipt[reader_inc] = taken :: else fi
#endif
       }
    :: atomic { taken > held[reader_inc] -> held[reader_inc] = taken }           /* rule 21: commit, then receipt */
#ifndef RECEIPT_BEFORE_COMMIT
    :: atomic { held[reader_inc] > receipt[reader_inc] -> receipt[reader_inc] = held[reader_inc] }
#endif
    :: atomic { reader_crashes < CRASHES -> reader_crashes++; taken = held[reader_inc] }
    :: atomic { reader_inc < INCS - 1 -> select(i : 1 .. INCS - 1);              /* rule 29: the old log is frozen */
            if :: i > reader_inc && certificate[i] -> reader_inc = i; taken = 0 :: else fi; i = 0 }
    od
}
