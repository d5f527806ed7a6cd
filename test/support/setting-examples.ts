// What settings of one kind accept, with what it becomes, and what they refuse.
import { join } from 'node:path'

export interface Example {
  readonly good: readonly (readonly [text: string, value: unknown])[]
  readonly wrong: readonly string[]
}

export const seconds = ['5', 's', '-1s', '1.5s', '5 s', '5S', '1w', '9999999999999s', 'soon']
export const numbers = ['-1', '1.5', '0x10', 'x', '1e3', '99999999999']
export const booleans: Example = {
  good: [
    ...['true', 'on', 'yes', '1'].map((text) => [text, true] as const),
    ...['false', 'off', 'no', '0'].map((text) => [text, false] as const),
  ],
  wrong: ['maybe', 'TRUE', 'ja', '2', ' true'],
}

/** A duration setting with its bounds. */
export function duration(
  least: readonly [string, number],
  most: readonly [string, number],
  below: string,
  above: string,
): Example {
  return { good: [least, most], wrong: [...seconds, below, above] }
}

export function file(folder: string): Example {
  const path = join(folder, 'secret')
  return {
    good: [[path, path]],
    wrong: [join(folder, 'missing'), join(folder, 'empty'), join(folder, 'loop'), folder, './secret', 'secret'],
  }
}

export const port: Example = {
  good: [
    ['1', 1],
    ['65535', 65_535],
  ],
  wrong: [...numbers, '0', '65536', 'http'],
}
export const endpoint: Example = {
  good: [
    ['http://collector:4318', 'http://collector:4318'],
    ['https://c.example/otlp/v1/traces', 'https://c.example/otlp/v1/traces'],
  ],
  wrong: ['collector:4318', 'grpc://collector:4317', 'http://', 'http:// x', 'http:///x'],
}
export const protocol: Example = {
  good: ['http/protobuf', 'http/json', 'grpc'].map((one) => [one, one] as const),
  wrong: ['http', 'protobuf', 'GRPC'],
}
export const count: Example = { good: [['2048', 2_048]], wrong: [...numbers, '0', '65537'] }
export const perMinute: Example = {
  good: [
    ['0', 0],
    ['1000000', 1_000_000],
  ],
  wrong: [...numbers, '1000001'],
}
export const word: Example = { good: [['worker-0', 'worker-0']], wrong: ['a b', 'a=b', 'a,b'] }
export const role: Example = {
  good: [
    ['app', 'app'],
    ['ein name', 'ein name'],
  ],
  wrong: ['x'.repeat(64), 'a\0b'],
}
export const address = (host: string, number?: number): object => ({ host, port: number })
