/**
 * How well questions are answered with citations: the search in documents and three baselines, on this repository's own
 * documentation and on two folders of other kinds. See docs/documents.md.
 *
 *     node bench/answers/main.ts [--missed]
 */
import { answerSystems, questionSets } from './answer-systems.ts'
import { readQuestions, scoreAnswers } from './score-answers.ts'

const percent = (share: number) => `${Math.round(share * 100)} %`

for (const set of questionSets) {
  const questions = readQuestions(set.name)
  console.log(`${questions.length} questions about ${set.about}\n`)
  console.log('| system | first answers | one of three | any | precision | rightly nothing | wrongly nothing |')
  console.log('|---|---|---|---|---|---|---|')
  for (const [system, answer] of await answerSystems(set)) {
    const { missed, system: name, ...shares } = await scoreAnswers({ system, questions, folder: set.folder }, answer)
    console.log(`| ${[name, ...Object.values(shares).map(percent)].join(' | ')} |`)
    if (process.argv.includes('--missed')) console.log(missed.map((one) => `    ${one}`).join('\n'))
  }
  console.log()
}
