/**
 * How well questions are answered from this repository's own documentation, with citations: the search in documents and
 * three baselines. See docs/documents.md.
 *
 *     node bench/answers/main.ts [--missed]
 */
import { join } from 'node:path'
import { answerSystems } from './answer-systems.ts'
import { scoreAnswers } from './score-answers.ts'

const folder = join(import.meta.dirname, '../../docs')
const percent = (share: number) => `${Math.round(share * 100)} %`

console.log('| system | first answers | one of three | any | precision | rightly nothing | wrongly nothing |')
console.log('|---|---|---|---|---|---|---|')
for (const [system, answer] of await answerSystems(folder)) {
  const { missed, system: name, ...shares } = await scoreAnswers(system, folder, answer)
  console.log(`| ${[name, ...Object.values(shares).map(percent)].join(' | ')} |`)
  if (process.argv.includes('--missed')) console.log(missed.map((one) => `    ${one}`).join('\n'))
}
