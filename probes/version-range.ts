// Ranges of versions of PostgreSQL as postgres_exporter writes them in runonserver: `>=14.0.0 <17.0.0 || >=18.1.0`.

const operators = {
  '>=': (a: number, b: number) => a >= b,
  '>': (a: number, b: number) => a > b,
  '<=': (a: number, b: number) => a <= b,
  '<': (a: number, b: number) => a < b,
  '=': (a: number, b: number) => a === b,
  '==': (a: number, b: number) => a === b,
  '!=': (a: number, b: number) => a !== b,
} as const
type Operator = keyof typeof operators

interface Bound {
  readonly operator: Operator
  readonly version: number
}

/** Alternatives; a version is in one of them where it is within all its bounds. */
export type VersionRange = readonly (readonly Bound[])[]

const operatorThenSpace = /(>=|<=|!=|==|=|>|<)\s+/g
const bound = /^(>=|<=|!=|==|=|>|<|)(\d{1,3})(?:\.(\d{1,3}))?(?:\.(\d{1,3}))?$/

function toNumber(major: number, minor: number, patch: number): number {
  return (major * 1_000 + minor) * 1_000 + patch
}

function parseBound(text: string): Bound | undefined {
  const match = bound.exec(text)
  if (match === null) return undefined
  const [, operator, major, minor = 0, patch = 0] = match
  return {
    operator: (operator === '' ? '=' : operator) as Operator,
    version: toNumber(Number(major), Number(minor), Number(patch)),
  }
}

/** The range; undefined where the text is none. */
export function parseVersionRange(text: string): VersionRange | undefined {
  const range: Bound[][] = []
  for (const alternative of text.split('||')) {
    const parts = alternative
      .replaceAll(operatorThenSpace, '$1')
      .split(/[\s,]+/)
      .filter((part) => part !== '')
    const bounds = parts.map(parseBound).filter((one) => one !== undefined)
    if (bounds.length === 0 || bounds.length < parts.length) return undefined
    range.push(bounds)
  }
  return range
}

/** Whether a server_version_num, such as 140005 of 14.5, is in the range. */
export function isInRange(range: VersionRange, serverVersionNum: number): boolean {
  const server = toNumber(Math.floor(serverVersionNum / 10_000), serverVersionNum % 10_000, 0)
  return range.some((bounds) => bounds.every(({ operator, version }) => operators[operator](server, version)))
}
