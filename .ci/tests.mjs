/**
 * Runs test commands one after the other and counts once, over all of them. Files in which a test failed run once more,
 * alone: among 3,000 tests on a shared machine are hundreds that need real processes to be quick enough. A test that
 * fails twice has failed. A test that failed once is printed at the end with its message, so that it can be repaired.
 * Before the counts come the promises of docs/promises.md with their results.
 *
 * node .ci/tests.mjs COMMAND [...]      each as `npm run NAME` or `npm run NAME -- FILE FILE`
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'troupe-ci-'))
const total = { passed: 0, failed: 0, skipped: 0 }
const reports = []
const durations = []
/** The results of each file, in its last run of each command. */
const testResults = []

/** Returns the report of the command, or undefined if the command failed before it wrote one. */
function run(command, name, files) {
  const [program, ...words] = command.split(' ')
  const report = join(folder, name)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  spawnSync(program, [...words, '--', ...reporters, ...files], { stdio: ['ignore', 'inherit', 'inherit'] })
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return undefined
  }
}

const failedFiles = (report) => report.testResults.filter((file) => file.status === 'failed')

/** A file that fails to load has no test to count: it counts as one failure itself. */
function failures(file) {
  const failed = file.assertionResults.filter((test) => test.status === 'failed')
  const where = relative('.', file.name)
  if (!failed.length) return [`${where}\n${file.message}`]
  return failed.map((test) => `${where} > ${test.fullName}\n${test.failureMessages.join('\n')}`)
}

for (const [index, command] of process.argv.slice(2).entries()) {
  const [base, chosen = ''] = command.split(' -- ')
  const began = Date.now()
  const first = run(base, `${index}.json`, chosen.split(' ').filter(Boolean))
  durations.push(`${base}: ${Math.round((Date.now() - began) / 1_000)} s`)
  total.passed += first?.numPassedTests ?? 0
  total.skipped += first?.numPendingTests ?? 0
  if (!first || (!first.success && !failedFiles(first).length)) {
    total.failed += 1
    reports.push(`FAILED ${command}: it broke down`)
    continue
  }
  if (!failedFiles(first).length) {
    testResults.push(...first.testResults)
    continue
  }
  const files = failedFiles(first).map((file) => relative('.', file.name))
  const retried = run(base, `${index}-retried.json`, files)
  const retriedFiles = new Map(retried?.testResults.map((file) => [file.name, file]))
  testResults.push(...first.testResults.map((file) => retriedFiles.get(file.name) ?? file))
  const stillFailing = retried ? new Set(failedFiles(retried).map((file) => file.name)) : undefined
  const failedTwice = (file) => !stillFailing || stillFailing.has(file.name)
  for (const file of failedFiles(first)) {
    const texts = failures(file)
    if (failedTwice(file)) total.failed += texts.length
    else total.passed += texts.length
    reports.push(
      ...texts.map((text) => `${failedTwice(file) ? 'FAILED' : 'UNSTEADY: passed when it ran again, alone:'} ${text}`),
    )
  }
  if (retried && !retried.success && !failedFiles(retried).length) total.failed += 1
}

rmSync(folder, { recursive: true, force: true })
mkdirSync('node_modules/.cache', { recursive: true })
writeFileSync('node_modules/.cache/tests.json', JSON.stringify({ testResults }))
spawnSync('npm', ['run', '--silent', 'promises'], { stdio: ['ignore', 'inherit', 'inherit'] })
for (const text of reports) console.log(`${text.slice(0, 3_000)}\n`)
const seconds = ({ startTime, endTime }) => Math.round((endTime - startTime) / 1_000)
const slowest = testResults.toSorted((a, b) => seconds(b) - seconds(a)).slice(0, 25)
console.log(
  `the slowest files:\n${slowest.map((file) => `${seconds(file)} s ${relative('.', file.name)}`).join('\n')}\n`,
)
console.log(durations.join(', '))
if (total.skipped) console.log(`${total.skipped} skipped`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed ? 1 : 0
