/** Checks of the files of a project: lockfile, CI, tests, secrets and documentation. */
import { counted, fail, listNames, type ProjectSubject, pass, short, warn } from '../doctor-subject.ts'
import type { CheckFunctions } from './check-functions.ts'

const sources = /\.[cm]?[jt]sx?$/
const tests = /(\.|\/|^)(test|spec)s?\.[cm]?[jt]sx?$|(^|\/)(tests?|__tests__|e2e|integration)\/.*\.[cm]?[jt]sx?$/
const locks = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  'bun.lock',
  'bun.lockb',
  'deno.lock',
]
const pipelines =
  /^(\.github\/workflows\/.*\.ya?ml|\.gitlab-ci\.yml|\.circleci\/config\.yml|azure-pipelines\.yml|Jenkinsfile|bitbucket-pipelines\.yml|\.woodpecker\.ya?ml|\.drone\.yml|\.ci\/.+)$/
const images = /(^|\/)([Dd]ockerfile|Containerfile)(\.[\w-]+)?$/
const infrastructure =
  /(\.tf|\.bicep|(^|\/)(Chart|kustomization|Pulumi)\.ya?ml|(^|\/)(docker-)?compose[\w.-]*\.ya?ml|\.service|(^|\/)(helm|k8s|kubernetes|deploy|infra)\/.*\.ya?ml)$/
const manifests = /\.ya?ml$|\.tf$|nginx[\w.-]*\.conf$|(^|\/)Caddyfile$/
const wantedCoverage = 90

export const projectChecks = {
  async 'project.types'(subject) {
    const { project } = subject
    const config = project.files.find((file) => /^tsconfig(\.base)?\.json$/.test(file))
    const untyped = project.files.filter((file) => /\.[cm]?jsx?$/.test(file) && !/config\.[cm]?js$/.test(file))
    if (config === undefined)
      return short(
        subject,
        `No tsconfig.json; ${counted(untyped.length, 'JavaScript file')}.`,
        'Write TypeScript, with "strict": true.',
      )
    if (!/"strict"\s*:\s*true|"extends"/.test((await project.read(config)) ?? ''))
      return warn(`${config} is not strict.`, 'Set "strict": true in compilerOptions.')
    return pass(`${config} is strict; ${counted(untyped.length, 'JavaScript file')}.`)
  },

  async 'project.docs'(subject) {
    const readme = subject.project.files.find((file) => /^readme\.(md|txt|rst|adoc)$/i.test(file))
    const text = readme === undefined ? '' : ((await subject.project.read(readme)) ?? '')
    if (text.length >= 200) return pass(`${readme} has ${counted(text.split('\n').length, 'line')}.`)
    return warn(
      readme ? `${readme} is too short.` : 'There is no README.',
      'Describe what the project is, how to run it and how to test it.',
    )
  },

  'project.tests'(subject) {
    const found = testsOf(subject)
    const { files, more } = subject.project
    const seen = `${counted(found.length, 'test file')}${more ? `, among the first ${files.length} files` : ''}.`
    if (found.length > 0) return pass(seen)
    return short(
      subject,
      'The project has no tests.',
      'Write tests: docs/testing.md shows MockModel and the virtual clock.',
    )
  },

  async 'project.coverage'(subject) {
    const { project } = subject
    const summary = project.files.find((file) => /(^|\/)coverage-summary\.json$/.test(file))
    const remedy = 'Run the tests with coverage and the reporter json-summary, and reach 90 % of the lines.'
    if (summary === undefined) return short(subject, 'There is no coverage/coverage-summary.json.', remedy)
    const share = percentIn(await project.read(summary))
    if (share === undefined) return short(subject, `${summary} has no share of lines.`, remedy)
    return share >= wantedCoverage
      ? pass(`${share} % of the lines, by ${summary}.`)
      : short(subject, `${share} % of the lines, by ${summary}.`, remedy)
  },

  async 'project.integration'(subject) {
    const found = await subject.project.find(tests, /createTroupe\(|executeTestWorkflow\(|AgentTestCase\b/)
    if (found !== undefined) return pass(`${found} opens a troupe.`)
    return short(
      subject,
      'No test opens a troupe.',
      "Open one on 'memory:' in a test, and run a team with MockModel: docs/testing.md.",
    )
  },

  async 'project.failures'(subject) {
    const found = await subject.project.find(tests, /\.rejects\b|toThrow|assert\.(rejects|throws)|success: false/)
    if (found !== undefined) return pass(`${found} expects a failure.`)
    return short(
      subject,
      'No test expects a failure.',
      'Test what happens when a model, a tool or the storage fails: docs/testing.md.',
    )
  },

  async 'project.doubles'(subject) {
    const found = await subject.project.find(tests, /troupe\/testing|MockModel\b|cassette\b|offline\/extractive/)
    if (found !== undefined) return pass(`${found} uses a test model.`)
    return short(subject, 'No test uses a test model.', "Import MockModel from 'troupe/testing', or play a cassette.")
  },

  'project.lockfile'(subject) {
    const found = locks.find((file) => subject.project.files.includes(file))
    if (found !== undefined) return pass(`${found}.`)
    return fail(`None of ${listNames(locks, 4)}.`, 'Commit package-lock.json, and install with npm ci.')
  },

  async 'project.secrets'({ project }) {
    const held = project.files.filter((file) =>
      /(^|\/)(\.env(\.(?!example|sample|template)[\w.-]+)?|.+\.pem|id_(rsa|ed25519))$/.test(file),
    )
    const ignored = ((await project.read('.gitignore')) ?? '').split('\n').map((line) => line.trim())
    const isIgnored = (file: string) => ignored.some((line) => covers(line, file))
    const bare = held.filter((file) => !isIgnored(file))
    if (bare.length > 0)
      return fail(
        `Not in .gitignore: ${listNames(bare)}.`,
        `Add ${listNames(bare)} to .gitignore; replace secrets that were committed before.`,
      )
    if (!isIgnored('.env')) return warn('.gitignore does not list .env.', 'Add .env to .gitignore.')
    return pass(`.gitignore lists .env${held.length > 0 ? ` and ${listNames(held)}` : ''}.`)
  },

  async 'project.image'(subject) {
    const { project } = subject
    const file = project.files.find((path) => images.test(path))
    if (file === undefined) return short(subject, 'There is no Dockerfile.', 'Start with deploy/Dockerfile of Troupe.')
    const lines = ((await project.read(file)) ?? '').split('\n').map((line) => line.trim())
    const user = lines.findLast((line) => /^USER\s/i.test(line))?.split(/\s+/)[1]
    const base = lines.findLast((line) => /^FROM\s/i.test(line)) ?? ''
    const isRoot = user === undefined ? !/nonroot/.test(base) : /^(root|0)(:|$)/.test(user)
    if (isRoot)
      return fail(`${file} runs as root.`, 'Add USER node, or another user than root, after the installation.')
    if (!lines.some((line) => /^HEALTHCHECK\s/i.test(line)))
      return warn(
        `${file} runs as ${user ?? 'nonroot'}, and has no HEALTHCHECK.`,
        'Add HEALTHCHECK CMD troupe health --ready, or probes in the orchestrator.',
      )
    return pass(`${file} runs as ${user ?? 'nonroot'}, with a HEALTHCHECK.`)
  },

  'project.infrastructure'(subject) {
    const found = subject.project.files.filter((file) => infrastructure.test(file))
    if (found.length > 0) return pass(`${listNames(found, 3)}.`)
    return short(
      subject,
      'No manifest of Kubernetes, compose, Terraform or systemd.',
      'Start with the manifests in deploy/ of Troupe.',
    )
  },

  async 'project.balancing'(subject) {
    const found = await subject.project.find(
      manifests,
      /kind:\s*(Service|Ingress|Gateway)\b|upstream\s+\w+\s*\{|reverse_proxy|aws_lb\b|replicas:\s*([2-9]|\d\d)/,
    )
    const ready = await subject.project.find(manifests, /\/ready\b|health --ready/)
    if (found !== undefined && ready !== undefined)
      return pass(`${found} balances the load, and ${ready} probes readiness.`)
    if (found !== undefined)
      return warn(
        `${found} balances the load, also to processes that are not ready.`,
        'Add a readiness probe on /ready.',
      )
    return warn(
      'The project has no load balancer.',
      'Add a Service with a readiness probe on /ready: deploy/kubernetes has one.',
    )
  },

  'project.ci'(subject) {
    const found = subject.project.files.find((file) => pipelines.test(file))
    if (found !== undefined) return pass(`${found}.`)
    return short(subject, 'The project has no CI pipeline.', 'Run npm ci and the tests for every change.')
  },

  async 'project.scans'(subject) {
    const { project } = subject
    const bot = project.files.find((file) =>
      /^(\.github\/dependabot\.ya?ml|\.?renovate(rc)?(\.json5?)?|\.github\/renovate\.json5?|\.snyk)$/.test(file),
    )
    const audit = await project.find(pipelines, /npm audit|pnpm audit|yarn (npm )?audit|osv-scanner|trivy|snyk|codeql/i)
    if (bot ?? audit) return pass(`${bot ?? audit}.`)
    return short(
      subject,
      'Dependencies are not scanned.',
      'Add .github/dependabot.yml, or npm audit --omit=dev to the pipeline.',
    )
  },

  async 'project.dashboard'(subject) {
    const found = await subject.project.find(/\.json$/, /"panels"\s*:/)
    if (found !== undefined) return pass(`${found} is a dashboard.`)
    return warn(
      'The project contains no dashboard.',
      'Start with deploy/grafana/troupe.json, or attest project.dashboard.',
    )
  },

  async 'project.benchmarks'(subject) {
    const { project } = subject
    const found = project.files.find(
      (file) => sources.test(file) && /(^|\/)bench(marks?)?\/|\.bench\.[cm]?[jt]sx?$/.test(file),
    )
    const load = found ?? (await project.find(sources, /\bLoadTester\b/))
    if (load !== undefined) return pass(`${load}.`)
    return warn('The project has no benchmark.', 'Measure with LoadTester, or `troupe load`, and store the results.')
  },
} satisfies Partial<CheckFunctions>

const testsOf = ({ project }: ProjectSubject) => project.files.filter((file) => tests.test(file))

function percentIn(text: string | undefined): number | undefined {
  try {
    const { total } = JSON.parse(text ?? '') as { readonly total?: { readonly lines?: { readonly pct?: unknown } } }
    const share = total?.lines?.pct
    return typeof share === 'number' ? share : undefined
  } catch {
    return undefined
  }
}

/** A line of .gitignore as far as files with secrets are named there. */
function covers(line: string, file: string): boolean {
  if (line === '' || line.startsWith('#') || line.startsWith('!')) return false
  const pattern = line.replace(/^\//, '').replace(/\/$/, '')
  const form = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  )
  return form.test(file) || form.test(file.split('/').at(-1) ?? '') || file.startsWith(`${pattern}/`)
}
