// A list of rules, kept or not, as what is wrong.

/** The rules that are not kept, each a sentence about `who` that is true then. */
export function broken(who: string, rules: Readonly<Record<string, boolean>>): readonly string[] {
  return Object.entries(rules).flatMap(([what, kept]) => (kept ? [] : [`${who}: ${what}`]))
}
