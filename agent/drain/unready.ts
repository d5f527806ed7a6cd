// Phase unready: load balancers learn late that a node is not ready; where its clients are held nobody need wait for that.
import type { Step } from './step.ts'

export const unready: Step = async ({ clock, config, cause, hold }, signal) => {
  if (hold()?.answers.some(({ state, kind }) => state === 'held' && kind === 'pool') === true)
    return 'not ready; clients are held'
  // The pod stays where it is, and so do its endpoints.
  if (cause === 'container-restart') return 'not ready'
  await clock.sleep(config.unreadyWait, signal)
  return `not ready for ${config.unreadyWait} ms`
}
