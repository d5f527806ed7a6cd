// npm run test:soak: what runs in part every day, whole: every fault in every phase, and ten thousand requests.
import { takeRunFolder } from '../run-folder.ts'
import { soak } from '../support/soak.ts'

await takeRunFolder()
soak()
await import('../e2e/drain-broken-off.test.ts')
await import('../e2e/drain-holders.test.ts')
await import('../e2e/drain-killed.test.ts')
await import('../e2e/http-fuzz.test.ts')
