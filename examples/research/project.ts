/** Makes a project of what stands on the command line, or of what a run remembers. */
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { Orchestra, Run } from 'troupe'
import { defaultCorpus, defaultQuestion, InputError } from './documents/index.ts'
import { modelOf, offlineModel } from './team/model-of.ts'
import { limits, Project } from './team/shapes.ts'

export interface Asked {
  readonly question?: string | undefined
  readonly docs?: readonly string[] | undefined
  readonly model?: string | undefined
  readonly reports: string
}

/** @throws InputError for a question or a model that cannot be used */
export function projectOf({ question, docs = [], model = offlineModel, reports }: Asked): Project {
  modelOf(model)
  const base = process.cwd()
  const sources = docs.length > 0 ? { folders: docs.map((path) => resolve(path)), files: [] } : defaultCorpus()
  return {
    id: randomUUID(),
    question: checkQuestion(question ?? defaultQuestion),
    ...sources,
    base,
    model,
    reports: resolve(reports),
  } as Project
}

function checkQuestion(question: string): string {
  const asked = question.trim()
  if (!/[\p{L}\p{N}]/u.test(asked))
    throw new InputError('The question is empty: write what you want to know, in quotation marks.')
  if (asked.length > limits.questionCharacters)
    throw new InputError(
      `The question has ${asked.length.toLocaleString('en')} characters; ${limits.questionCharacters.toLocaleString('en')} are the most. Put long texts into a folder and name it with --docs.`,
    )
  return asked
}

/** What a run was asked: the first event of its journal holds it. */
export async function projectOfRun(run: Run): Promise<Project> {
  for await (const event of run.events()) {
    if (event.type !== 'run.started') break
    const known = Project.safeParse(event.task)
    if (known.success) return known.data
    break
  }
  throw new InputError(`The run ${run.id} is not a research project.`)
}

/**
 * The run to resume: the one named, else the newest that is not over or has failed, else the newest of all where its
 * report is not there.
 * @throws InputError where there is none
 */
export async function runToResume(
  orchestra: Orchestra,
  named: string | undefined,
  isDelivered: (run: Run, project: Project) => boolean,
) {
  const found = async (id: string) => {
    const run = await orchestra.get(id)
    return { run, project: await projectOfRun(run) }
  }
  if (named !== undefined) return found(named)
  let newest: string | undefined
  for await (const { id, status } of await orchestra.list()) {
    if (status === 'cancelled') continue
    if (status === 'failed' && newest !== undefined) continue
    if (status !== 'completed') return found(id)
    newest ??= id
  }
  const last = newest === undefined ? undefined : await found(newest)
  if (last && !isDelivered(last.run, last.project)) return last
  throw new InputError('There is nothing to resume: no run was interrupted.')
}
