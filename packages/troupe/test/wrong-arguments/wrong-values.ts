/** The values that are passed at each position: of those of the fuzzer, the ones that differ in what they break. */
import { type BadValue, badValues } from '../reliability/outside/fuzz/bad-values.ts'

const labels = [
  ...[
    'undefined',
    'null',
    '5',
    'NaN',
    "''",
    "'text'",
    'Symbol()',
    '10n',
    '[]',
    '{}',
    'a function',
    'a class',
    'a proxy of a function',
  ],
  ...['a function that rejects', 'an instance of a class', 'a proxy that throws', 'a revoked proxy'],
  ...['a revoked proxy of a list', 'getters that throw', 'a toString that throws', '10,000 levels', 'a cycle'],
  ...['1,000,000 characters', 'a list with holes', 'a list of 2 ** 32 - 1 holes'],
]

export const wrongValues: readonly BadValue[] = labels.map((label) => {
  const found = badValues.find(([known]) => known === label)
  if (!found) throw new Error(`the fuzzer has no value ${label}`)
  return found
})
