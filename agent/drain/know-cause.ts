// Phase cause: why the node stops, and how long the pod has by the Kubernetes API.
import type { Step } from './step.ts'

export const knowCause: Step = async ({ findCause, setCause }, signal) => {
  const found = await findCause(signal)
  setCause(found)
  return `${found.cause} (${found.why})`
}
