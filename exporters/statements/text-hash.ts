// What stands for a text that must not leave the process.
import { hash } from 'node:crypto'

/** The first 64 bits of SHA-256, 16 hexadecimal digits. */
export function textHash(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 16)
}
