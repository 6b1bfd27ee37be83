/** The files of a project, and what people say, each as it passes and as it does not. */
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { checkIds, entryOf } from '../../../configuration/doctor/doctor-catalogue.ts'
import { systemClock } from '../../../core/index.ts'
import { examineProject } from '../doctor.ts'
import { others, Practice } from '../doctor-testbed.test.fixture.ts'

const practice = new Practice()
afterEach(() => practice.closeAll())
afterAll(() => practice.end())

describe('a project', () => {
  it('A complete project passes its checks.', async () => {
    practice.write({
      'good/README.md': `# Shop\n${'It sells.\n'.repeat(40)}`,
      'good/package.json': '{}',
      'good/package-lock.json': '{}',
      'good/tsconfig.json': '{ "compilerOptions": { "strict": true } }',
      'good/.gitignore': '.env*\nnode_modules/\n',
      'good/.env': 'KEY=1',
      'good/src/shop.test.ts':
        "import { MockModel } from 'troupe/testing'\ncreateTroupe({}); await expect(f()).rejects.toThrow()",
      'good/bench/shop.ts': '',
      'good/coverage/coverage-summary.json': '{ "total": { "lines": { "pct": 93.5 } } }',
      'good/Dockerfile': 'FROM node:24\nUSER node\nHEALTHCHECK CMD troupe health --ready\n',
      'good/deploy/service.yaml': 'kind: Service\n---\nreadinessProbe: { httpGet: { path: /ready } }\n',
      'good/.github/workflows/test.yml': 'run: npm ci',
      'good/.github/dependabot.yml': 'version: 2',
      'good/grafana.json': '{ "panels": [] }',
    })
    const report = await examineProject({ project: join(practice.folder, 'good'), production: true })
    const ids = checkIds.filter((id) => entryOf(id).about === 'project')
    expect(report.checks.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
    expect(others(practice.statuses(report), ids, 'pass')).toEqual({})
  })

  it('An incomplete project fails its checks or gets warnings, each with a remedy.', async () => {
    practice.write({ 'bad/index.js': '', 'bad/.env': 'KEY=1', 'bad/Dockerfile': 'FROM node:24\n' })
    const report = await examineProject({ project: join(practice.folder, 'bad'), production: true })
    const wanting = ['project.docs', 'project.balancing', 'project.dashboard', 'project.benchmarks']
    const found = practice.statuses(report)
    expect(others(found, wanting, 'warn')).toEqual({})
    const ids = checkIds.filter((id) => entryOf(id).about === 'project' && !wanting.includes(id))
    expect(others(found, ids, 'fail')).toEqual({})
    expect(report.checks.filter(({ status, remedy }) => status !== 'pass' && !remedy)).toEqual([])
  })
})

describe('the word of a person', () => {
  const words = checkIds.filter((id) => entryOf(id).about === 'word')
  const attest = (day: string) => Object.fromEntries(words.map((id) => [id, day]))
  const day = (ms: number) => new Date(systemClock.now() + ms * 86_400_000).toISOString().slice(0, 10)

  it.each([
    ['missing', {}, 'fail'],
    ['of the last weeks', attest(day(-20)), 'pass'],
    ['expired', attest(day(-91)), 'fail'],
    ['of a day to come', attest(day(2)), 'fail'],
  ] as const)(
    'The doctor accepts an attestation of the last weeks and no other: %s.',
    async (_, attested, expected) => {
      const troupe = await practice.opened({ doctor: { attest: attested } })
      const found = await practice.diagnose(troupe, { production: true })
      expect(others(found, words, expected)).toEqual({})
    },
  )

  it('An attestation replaces a check that allows it, and no other.', async () => {
    const attest = { 'storage.backup': day(-1), 'project.coverage': day(-1) }
    const troupe = await practice.opened({ storage: `sqlite:${join(practice.folder, 'word.db')}`, doctor: { attest } })
    expect(await practice.diagnose(troupe, { production: true, project: join(practice.folder, 'bad') })).toMatchObject({
      'storage.backup': 'pass',
      'project.coverage': 'pass',
      'project.tests': 'fail',
    })
  })
})
