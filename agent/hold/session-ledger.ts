// The ledger's holds over a connection that is closed once no question runs: a coordinator that shuts down waits for nobody here,
// and one that came back is asked on a new connection at once.
import type { Session } from '../pg/session.ts'
import { answerHold, openHold, readHold } from './hold-ledger.ts'
import type { HoldLedger } from './follower.ts'

/** The ledger as a pooler's hold asks it; `timeout` bounds one question, milliseconds. */
export function sessionLedger(
  session: Pick<Session, 'sql' | 'close'>,
  timeout: number,
  onError: (error: unknown) => void,
): HoldLedger {
  /** A hold is watched and answered at once: who is through first must not cut the other off. */
  let asking = 0
  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    asking += 1
    try {
      return await question()
    } catch (error) {
      onError(error)
      throw error
    } finally {
      asking -= 1
      if (asking === 0) await session.close()
    }
  }
  return {
    open: async (signal) => await ask(async () => await openHold(session.sql({ timeout, signal }))),
    read: async (id, signal) => await ask(async () => await readHold(session.sql({ timeout, signal }), id)),
    answer: async (id, answer, signal) =>
      await ask(async () => await answerHold(session.sql({ timeout, signal }), id, answer)),
  }
}
