// The module that the reader's thread runs. It lies beside this one, in the source as in what is built of it (deploy/build.ts).
import { extname } from 'node:path'

export const logReaderModule = new URL(`./log-reader-thread${extname(import.meta.url)}`, import.meta.url)
