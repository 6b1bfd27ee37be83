/** What the command prints of a report that the doctor made. */
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { examineConfig } from '../../operations.ts'
import { Output } from '../output/output.ts'
import { printReport } from './doctor-command.ts'

const report = await examineConfig({ storage: 'memory:' })
const production = await examineConfig({ storage: 'memory:' }, { production: true })

function printed(of: typeof report, all = false) {
  const out = new PassThrough({ encoding: 'utf8' }) as PassThrough & NodeJS.WriteStream
  printReport(new Output({ out, error: out }, false), of, all)
  const text: string = out.read()
  return { text, ids: [...text.matchAll(/^(?:pass|warn|FAIL) {2}(\S+)/gm)].map(([, id]) => id) }
}
const findingsOf = ({ checks }: typeof report) => checks.flatMap(({ id, status }) => (status === 'pass' ? [] : [id]))

it('The doctor shows the first three findings in development, and how many more there are.', () => {
  const findings = findingsOf(report)
  expect(findings.length).toBeGreaterThan(3)
  const { text, ids } = printed(report)
  expect(ids).toEqual(findings.slice(0, 3))
  const { fail, warn } = report.counts
  const shownFails = report.checks.slice(0, 3).filter(({ status }) => status === 'fail').length
  const left = `${fail - shownFails} fail, ${warn - 3 + shownFails} warn`
  expect(text).toContain(`\n${findings.length - 3} more (${left}): --all\n`)
})

it('The doctor shows every finding in production, and every check with --all.', () => {
  expect(printed(production).ids).toEqual(findingsOf(production))
  expect(printed(production).text).not.toContain('--all')
  expect(printed(report, true).ids).toEqual(report.checks.map(({ id }) => id))
  expect(printed(report, true).text).not.toContain('--all')
})

it('The doctor says nothing of more findings where three or fewer are there.', () => {
  const passed = report.checks.filter(({ status }) => status === 'pass')
  const few = { ...report, checks: [...report.checks.slice(0, 3), ...passed] }
  expect(printed(few)).toMatchObject({ ids: findingsOf(few), text: expect.not.stringContaining('more') })
  expect(printed({ ...report, checks: passed }).ids).toEqual([])
})
