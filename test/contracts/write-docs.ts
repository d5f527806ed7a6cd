// `npm run docs`: writes the parts of the documentation that come from the code.
import { writeParts } from '../support/generated-docs.ts'

writeParts()
