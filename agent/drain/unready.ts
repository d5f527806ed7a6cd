// Phase unready: load balancers learn late that a node is not ready; where its clients are held nobody need wait for that.
import { LeftUndone } from './step.ts'
import type { Step } from './step.ts'

export const unready: Step = async ({ clock, config, cause, hold }, signal) => {
  if (hold()?.answers.some(({ state, kind }) => state === 'held' && kind === 'pool') === true)
    return 'not ready; clients are held'
  // The pod stays where it is, and so do its endpoints.
  if (cause === 'container-restart') return 'not ready'
  const before = clock.now()
  await clock.sleep(config.unreadyWait, signal)
  if (signal.aborted)
    throw new LeftUndone(`load balancers had ${clock.now() - before} of ${config.unreadyWait} ms to see it`)
  return `not ready for ${config.unreadyWait} ms`
}
