// A thread for tests of how threads are spoken with: it answers, refuses, counts portions, dies and fills its memory as it is asked to.
import { workerData } from 'node:worker_threads'
import { ThreadPort } from '../../exporters/statements/thread-port.ts'

export interface EchoProtocol {
  readonly told: { readonly portions: number }
  readonly calls: {
    readonly echo: { readonly question: string; readonly answer: string }
    readonly refuse: { readonly question: string; readonly answer: never }
    readonly never: { readonly question: undefined; readonly answer: never }
    readonly die: { readonly question: 'exit' | 'throw' | 'memory'; readonly answer: never }
  }
  readonly portion: { readonly numbers: readonly number[] }
}

let numbers: number[] = []
let next = 0

const port = new ThreadPort<EchoProtocol>({
  onTold: ({ portions }) => {
    for (let count = 0; count < portions; count += 1) {
      numbers.push((next += 1))
      port.offer()
    }
  },
  portion: () => {
    const now = numbers
    numbers = []
    return now.length === 0 ? undefined : { numbers: now }
  },
  answers: {
    echo: (question) => `${(workerData as { greeting: string }).greeting} ${question}`,
    refuse: (question) => {
      throw new Error(`no ${question}`)
    },
    never: async () => await new Promise<never>(() => undefined),
    die: (how) => {
      if (how === 'exit') process.exit(3)
      if (how === 'throw')
        setImmediate(() => {
          throw new Error('on purpose')
        })
      // By small pieces: one that exceeds all there is at once would end the process.
      let kept: object | undefined
      while (how === 'memory') kept = { kept }
      throw new Error('it dies')
    },
  },
})
port.signal.addEventListener('abort', () => port.close())
