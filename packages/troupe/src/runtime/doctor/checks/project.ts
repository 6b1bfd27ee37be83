/** Whether the project around the agents is one that others can rely on, by its files. */
import { counted, fail, named, type ProjectPatient, pass, short, warn } from '../patient.ts'
import type { Runs } from './run.ts'

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
  async 'project.types'(patient) {
    const { project } = patient
    const config = project.files.find((file) => /^tsconfig(\.base)?\.json$/.test(file))
    const untyped = project.files.filter((file) => /\.[cm]?jsx?$/.test(file) && !/config\.[cm]?js$/.test(file))
    if (config === undefined)
      return short(
        patient,
        `No tsconfig.json; ${counted(untyped.length, 'file')} of JavaScript.`,
        'Write TypeScript, with "strict": true.',
      )
    if (!/"strict"\s*:\s*true|"extends"/.test((await project.read(config)) ?? ''))
      return warn(`${config} is not strict.`, 'Set "strict": true in compilerOptions.')
    return pass(`${config} is strict; ${counted(untyped.length, 'file')} of JavaScript.`)
  },

  async 'project.docs'(patient) {
    const readme = patient.project.files.find((file) => /^readme\.(md|txt|rst|adoc)$/i.test(file))
    const text = readme === undefined ? '' : ((await patient.project.read(readme)) ?? '')
    if (text.length >= 200) return pass(`${readme} has ${counted(text.split('\n').length, 'line')}.`)
    return warn(
      readme ? `${readme} says next to nothing.` : 'There is no README.',
      'Write what it is, how it is run, and how it is tested.',
    )
  },

  'project.tests'(patient) {
    const found = testsOf(patient)
    const { files, more } = patient.project
    const seen = `${counted(found.length, 'file')} of tests${more ? `, among the first ${files.length} files` : ''}.`
    if (found.length > 0) return pass(seen)
    return short(
      patient,
      'There are no tests.',
      'Write some: docs/testing.md begins with MockModel and a virtual clock.',
    )
  },

  async 'project.coverage'(patient) {
    const { project } = patient
    const summary = project.files.find((file) => /(^|\/)coverage-summary\.json$/.test(file))
    const remedy = 'Run the tests with coverage, and the reporter json-summary; 90 % of the lines is what is asked.'
    if (summary === undefined) return short(patient, 'There is no coverage/coverage-summary.json.', remedy)
    const share = percentIn(await project.read(summary))
    if (share === undefined) return short(patient, `${summary} says no share of lines.`, remedy)
    return share >= wantedCoverage
      ? pass(`${share} % of the lines, by ${summary}.`)
      : short(patient, `${share} % of the lines, by ${summary}.`, remedy)
  },

  async 'project.integration'(patient) {
    const found = await patient.project.find(tests, /createTroupe\(|executeTestWorkflow\(|AgentTestCase\b/)
    if (found !== undefined) return pass(`${found} opens a troupe.`)
    return short(
      patient,
      'No test opens a troupe.',
      "Open one on 'memory:' in a test, and run a team with MockModel: docs/testing.md.",
    )
  },

  async 'project.failures'(patient) {
    const found = await patient.project.find(tests, /\.rejects\b|toThrow|assert\.(rejects|throws)|success: false/)
    if (found !== undefined) return pass(`${found} expects a failure.`)
    return short(
      patient,
      'No test expects anything to fail.',
      'Test what happens when a model, a tool or the storage fails: docs/testing.md.',
    )
  },

  async 'project.doubles'(patient) {
    const found = await patient.project.find(tests, /troupe\/testing|MockModel\b|cassette\b|offline\/extractive/)
    if (found !== undefined) return pass(`${found} plays the model.`)
    return short(
      patient,
      'No test brings a model of its own.',
      "Import MockModel from 'troupe/testing', or play a cassette.",
    )
  },

  'project.lockfile'(patient) {
    const found = locks.find((file) => patient.project.files.includes(file))
    if (found !== undefined) return pass(`${found}.`)
    return fail(`None of ${named(locks, 4)}.`, 'Commit package-lock.json, and install with npm ci.')
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
        `Not in .gitignore: ${named(bare)}.`,
        `Add ${named(bare)} to .gitignore; what was committed once has to be changed.`,
      )
    if (!isIgnored('.env'))
      return warn('There is no .env, and .gitignore would not hold one back.', 'Add .env to .gitignore.')
    return pass(`.gitignore holds back .env${held.length > 0 ? ` and ${named(held)}` : ''}.`)
  },

  async 'project.image'(patient) {
    const { project } = patient
    const file = project.files.find((path) => images.test(path))
    if (file === undefined)
      return short(patient, 'There is no Dockerfile.', 'Take deploy/Dockerfile of Troupe to begin with.')
    const lines = ((await project.read(file)) ?? '').split('\n').map((line) => line.trim())
    const user = lines.findLast((line) => /^USER\s/i.test(line))?.split(/\s+/)[1]
    const base = lines.findLast((line) => /^FROM\s/i.test(line)) ?? ''
    const isRoot = user === undefined ? !/nonroot/.test(base) : /^(root|0)(:|$)/.test(user)
    if (isRoot)
      return fail(`${file} runs as root.`, 'Add USER node, or another one than root, after what is installed.')
    if (!lines.some((line) => /^HEALTHCHECK\s/i.test(line)))
      return warn(
        `${file} runs as ${user ?? 'nonroot'}, and has no HEALTHCHECK.`,
        'Add HEALTHCHECK CMD troupe health --ready, or probes where it runs.',
      )
    return pass(`${file} runs as ${user ?? 'nonroot'}, with a HEALTHCHECK.`)
  },

  'project.infrastructure'(patient) {
    const found = patient.project.files.filter((file) => infrastructure.test(file))
    if (found.length > 0) return pass(`${named(found, 3)}.`)
    return short(
      patient,
      'No manifest of Kubernetes, compose, Terraform or systemd.',
      'Begin with what deploy/ of Troupe has for yours.',
    )
  },

  async 'project.balancing'(patient) {
    const found = await patient.project.find(
      manifests,
      /kind:\s*(Service|Ingress|Gateway)\b|upstream\s+\w+\s*\{|reverse_proxy|aws_lb\b|replicas:\s*([2-9]|\d\d)/,
    )
    const ready = await patient.project.find(manifests, /\/ready\b|health --ready/)
    if (found !== undefined && ready !== undefined)
      return pass(`${found} spreads it, ${ready} asks whether it is ready.`)
    if (found !== undefined)
      return warn(`${found} spreads it, also to what is not ready.`, 'Probe /ready before it is given work.')
    return warn(
      'Nothing in the project spreads load.',
      'Add a Service with a readiness probe on /ready: deploy/kubernetes has one.',
    )
  },

  'project.ci'(patient) {
    const found = patient.project.files.find((file) => pipelines.test(file))
    if (found !== undefined) return pass(`${found}.`)
    return short(patient, 'No pipeline is described in the project.', 'Have every change run npm ci and the tests.')
  },

  async 'project.scans'(patient) {
    const { project } = patient
    const bot = project.files.find((file) =>
      /^(\.github\/dependabot\.ya?ml|\.?renovate(rc)?(\.json5?)?|\.github\/renovate\.json5?|\.snyk)$/.test(file),
    )
    const audit = await project.find(pipelines, /npm audit|pnpm audit|yarn (npm )?audit|osv-scanner|trivy|snyk|codeql/i)
    if (bot ?? audit) return pass(`${bot ?? audit}.`)
    return short(
      patient,
      'Nothing looks at dependencies.',
      'Add .github/dependabot.yml, or npm audit --omit=dev to the pipeline.',
    )
  },

  async 'project.dashboard'(patient) {
    const found = await patient.project.find(/\.json$/, /"panels"\s*:/)
    if (found !== undefined) return pass(`${found} is a dashboard.`)
    return warn(
      'No dashboard is kept with the project.',
      'Begin with deploy/grafana/troupe.json, or attest project.dashboard.',
    )
  },

  async 'project.benchmarks'(patient) {
    const { project } = patient
    const found = project.files.find(
      (file) => sources.test(file) && /(^|\/)bench(marks?)?\/|\.bench\.[cm]?[jt]sx?$/.test(file),
    )
    const load = found ?? (await project.find(sources, /\bLoadTester\b|\bloadTest\(/))
    if (load !== undefined) return pass(`${load}.`)
    return warn('Nothing measures how fast it is.', 'Measure with LoadTester, or `troupe load`, and keep the figures.')
  },
} satisfies Partial<Runs>

const testsOf = ({ project }: ProjectPatient) => project.files.filter((file) => tests.test(file))

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
