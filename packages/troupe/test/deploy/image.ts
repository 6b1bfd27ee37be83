/**
 * Builds the image of deploy/Dockerfile in folders, without a container engine: each stage is a folder, its COPY and RUN
 * are what the parser finds, and what is copied are the committed files that .dockerignore lets through.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, matchesGlob, resolve } from 'node:path'
import { DockerfileParser, type Instruction, type JSONInstruction, type ModifiableInstruction } from 'dockerfile-ast'

export const workspace = resolve(import.meta.dirname, '../../../..')
export const dockerfile = DockerfileParser.parse(readFileSync(join(workspace, 'deploy/Dockerfile'), 'utf8'))

export interface Image {
  /** Stands for `/` of the image. */
  readonly root: string
  /** Below the root. */
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
  readonly user: string
  readonly volumes: readonly string[]
  readonly port: number
  readonly command: readonly string[]
  readonly healthcheck: readonly string[]
}

interface Stage {
  readonly root: string
  workdir: string
  readonly env: Record<string, string>
  readonly last: Map<string, Instruction>
}

export interface BuildOptions {
  readonly into: string
  /** Answers a RUN in place of the shell: undefined where it does not. */
  readonly prepared?: (command: string, workdir: string) => boolean
}

/** @throws where this is no git checkout */
export const committedFiles = (): readonly string[] =>
  execFileSync('git', ['ls-files', '-z'], { cwd: workspace, encoding: 'utf8', maxBuffer: 2 ** 26 })
    .split('\0')
    .filter(Boolean)

/** The files of the context. */
export function contextFiles(): readonly string[] {
  const ignored = readFileSync(join(workspace, '.dockerignore'), 'utf8').split('\n').filter(Boolean)
  return committedFiles().filter((file) => !withParents(file).some((path) => isIgnored(path, ignored)))
}

const isIgnored = (path: string, patterns: readonly string[]) => patterns.some((pattern) => matchesGlob(path, pattern))
const withParents = (path: string): string[] => (path === '.' ? [] : [...withParents(dirname(path)), path])

export function buildImage({ into, prepared }: BuildOptions): Image {
  const stages = new Map<string, Stage>()
  let stage: Stage | undefined
  for (const instruction of dockerfile.getInstructions()) {
    const keyword = instruction.getKeyword()
    if (keyword === 'FROM') stage = openStage(instruction, into, stages)
    else if (stage) carryOut(stage, instruction, { stages, prepared })
  }
  if (!stage) throw new Error('the Dockerfile has no stage')
  return imageOf(stage)
}

function openStage(instruction: Instruction, into: string, stages: Map<string, Stage>): Stage {
  const [, , name = 'final'] = instruction.getArguments().map((one) => one.getValue())
  const root = join(into, name)
  mkdirSync(root, { recursive: true })
  const stage: Stage = { root, workdir: root, env: {}, last: new Map() }
  stages.set(name, stage)
  return stage
}

interface Building {
  readonly stages: ReadonlyMap<string, Stage>
  readonly prepared: BuildOptions['prepared']
}

function carryOut(stage: Stage, instruction: Instruction, { stages, prepared }: Building): void {
  const values = instruction.getArguments().map((one) => one.getValue())
  const keyword = instruction.getKeyword()
  if (keyword === 'WORKDIR') {
    stage.workdir = within(stage, values[0] as string)
    mkdirSync(stage.workdir, { recursive: true })
  } else if (keyword === 'ENV') {
    for (const pair of values) stage.env[pair.slice(0, pair.indexOf('='))] = pair.slice(pair.indexOf('=') + 1)
  } else if (keyword === 'COPY') copy(stage, instruction as ModifiableInstruction, stages)
  else if (keyword === 'RUN') {
    const command = values.join(' ')
    if (!prepared?.(command, stage.workdir)) run(stage, command)
  } else stage.last.set(keyword, instruction)
}

const within = ({ root, workdir }: Stage, path: string) =>
  path.startsWith('/') ? join(root, path) : join(workdir, path)

function copy(stage: Stage, instruction: ModifiableInstruction, stages: ReadonlyMap<string, Stage>): void {
  const [from = '', to = ''] = instruction.getArguments().map((one) => one.getValue())
  const source = instruction
    .getFlags()
    .find((flag) => flag.getName() === 'from')
    ?.getValue()
  const target = within(stage, to)
  if (source) {
    const other = stages.get(source)
    if (!other) throw new Error(`COPY --from=${source}: there is no such stage`)
    cpSync(within(other, from), target, { recursive: true, verbatimSymlinks: true })
    return
  }
  if (from !== '.') throw new Error(`COPY ${from}: only the whole context is copied`)
  for (const file of contextFiles()) cpSync(join(workspace, file), join(target, file), { recursive: true })
}

function run({ workdir, env }: Stage, command: string): void {
  const path = `${dirname(process.execPath)}:${process.env.PATH}`
  const done = spawnSync('sh', ['-c', command], {
    cwd: workdir,
    // Of the runner of these tests, not of an image.
    env: { ...process.env, NODE_ENV: '', VITEST: '', ...env, PATH: path, npm_config_prefer_offline: 'true' },
    encoding: 'utf8',
  })
  if (done.status !== 0) throw new Error(`RUN ${command}: ${done.status}\n${done.stdout}${done.stderr}`)
}

function imageOf({ root, workdir, env, last }: Stage): Image {
  const first = (keyword: string) => last.get(keyword)?.getArguments()[0]?.getValue() ?? ''
  const list = (keyword: string) =>
    (last.get(keyword) as JSONInstruction | undefined)?.getJSONStrings().map((one) => one.getJSONValue()) ?? []
  const check = last.get('HEALTHCHECK')?.getArgumentsContent() ?? ''
  return {
    root,
    workdir,
    env,
    user: first('USER'),
    volumes:
      last
        .get('VOLUME')
        ?.getArguments()
        .map((one) => one.getValue()) ?? [],
    port: Number(first('EXPOSE')),
    command: [...list('ENTRYPOINT'), ...list('CMD')],
    healthcheck: JSON.parse(check.slice(check.indexOf('['))) as string[],
  }
}
