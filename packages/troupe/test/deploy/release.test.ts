/** The workflow that releases the package and the image, and the commands in it that need no network. */
import { execSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { validateWorkflow } from '@action-validator/core'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { workspace } from './image.ts'

test('The release workflow publishes what it attests, with provenance and a list of its parts.', () => {
  const content = readFileSync(join(workspace, '.github/workflows/release.yml'), 'utf8')
  // The permission is younger than the schema of the validator.
  const known = content.replaceAll(/\n +attestations: write/g, '')
  expect(validateWorkflow(known).errors).toEqual([])
  expect(validateWorkflow(known.replace('needs:', 'need:')).errors).not.toEqual([])
  const { permissions, jobs } = parse(content)
  expect(permissions).toEqual({ contents: 'read' })
  expect([jobs.package.needs, jobs.image.needs]).toEqual(['verify', 'verify'])
  for (const job of [jobs.package, jobs.image])
    expect(job.permissions).toMatchObject({ 'id-token': 'write', attestations: 'write', contents: 'read' })
  type Step = { readonly run?: string; readonly uses?: string; readonly with?: Record<string, unknown> }
  const steps = (job: { readonly steps: readonly Step[] }) => job.steps.map(({ run, uses }) => run ?? uses ?? '')
  expect(steps(jobs.verify)).toEqual(
    expect.arrayContaining([
      'node scripts/pin-digests.ts --check',
      'npm run test:all',
      'npm run attacks -- --storage sqlite --storage postgres',
      'npm run attacks:banking',
    ]),
  )
  const continuous = parse(readFileSync(join(workspace, '.github/workflows/ci.yml'), 'utf8'))
  expect(jobs.verify.services.postgres).toEqual(continuous.jobs.test.services.postgres)
  const published = steps(jobs.package)
  const at = (part: string) => published.findIndex((one) => one.includes(part))
  expect(at('npm pack')).toBeGreaterThan(0)
  expect(at('npm sbom')).toBeGreaterThan(at('npm pack'))
  expect(at('attest-build-provenance')).toBeGreaterThan(at('npm pack'))
  expect(at('attest-sbom')).toBeGreaterThan(at('npm sbom'))
  expect(at('npm publish troupe-*.tgz --provenance')).toBeGreaterThan(at('attest-sbom'))
  const build = jobs.image.steps.find(({ uses = '' }: Step) => uses.startsWith('docker/build-push-action@'))
  expect(build.with).toMatchObject({ push: true, sbom: true, provenance: 'mode=max' })
})

test('The CodeQL workflow analyses the sources and the workflows, and may write its results alone.', () => {
  const content = readFileSync(join(workspace, '.github/workflows/codeql.yml'), 'utf8')
  expect(validateWorkflow(content).errors).toEqual([])
  const { permissions, jobs } = parse(content)
  expect(permissions).toEqual({ contents: 'read' })
  expect(jobs.analyze.permissions).toEqual({ contents: 'read', 'security-events': 'write' })
  expect(jobs.analyze.strategy.matrix.language).toEqual(['javascript-typescript', 'actions'])
})

test('Dependabot updates each kind of dependency, in folders that have it.', () => {
  const { version, updates } = parse(readFileSync(join(workspace, '.github/dependabot.yml'), 'utf8'))
  expect(version).toBe(2)
  const files = {
    npm: 'package-lock.json',
    'github-actions': '.github/workflows/ci.yml',
    docker: 'Dockerfile',
    'docker-compose': 'compose.yaml',
  }
  type Update = {
    readonly 'package-ecosystem': keyof typeof files
    readonly directory?: string
    readonly directories?: string[]
  }
  expect(updates.map((one: Update) => one['package-ecosystem'])).toEqual(Object.keys(files))
  for (const { 'package-ecosystem': kind, directory = '', directories = [directory] } of updates as Update[])
    for (const folder of directories) expect(existsSync(join(workspace, folder, files[kind]))).toBe(true)
})

test('The released package names the repository that released it.', () => {
  const { jobs } = parse(readFileSync(join(workspace, '.github/workflows/release.yml'), 'utf8'))
  type Step = { readonly run?: string; readonly env?: Record<string, string> }
  const steps: readonly Step[] = jobs.package.steps
  const naming = steps.findIndex(({ run }) => run?.startsWith('npm pkg set'))
  expect(naming).toBeLessThan(steps.findIndex(({ run }) => run?.startsWith('npm pack')))
  const { run = '', env } = steps[naming] as Step
  expect(env).toEqual({ REPOSITORY: `\${{ github.server_url }}/\${{ github.repository }}` })
  const folder = mkdtempSync(join(tmpdir(), 'troupe-release-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'packages/troupe'), { recursive: true })
  for (const file of ['package.json', 'packages/troupe/package.json'])
    copyFileSync(join(workspace, file), join(folder, file))
  execSync(run, { cwd: folder, env: { ...process.env, REPOSITORY: 'https://example.org/acme/troupe' }, stdio: 'pipe' })
  expect(JSON.parse(readFileSync(join(folder, 'packages/troupe/package.json'), 'utf8'))).toMatchObject({
    name: 'troupe',
    homepage: 'https://example.org/acme/troupe#readme',
    bugs: { url: 'https://example.org/acme/troupe/issues' },
    repository: {
      type: 'git',
      url: 'git+https://example.org/acme/troupe.git',
      directory: 'packages/troupe',
    },
  })
})
