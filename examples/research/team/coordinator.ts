/**
 * Leads the project: has the question taken apart, the parts looked up at once, the findings weighed, the sections
 * written and the citations checked; then it ends with the report. It is run again with the results of whom it asked,
 * and keeps nothing between its steps but what is in the shared context.
 */
import { AgentError, defineAgent, finish, invoke, type Schema, type StepContext } from 'troupe'
import type { SearchIndex } from '../documents/index.ts'
import { notLookedUp, renderReport } from '../report/render-report.ts'
import { twinOf } from '../report/twin-of.ts'
import { briefOf, claimsOf, withSupport } from './draft.ts'
import { nearMisses, surveyDocuments } from './library.ts'
import {
  Analysis,
  type Draft,
  type Findings,
  limits,
  type Near,
  type Outcome,
  Project,
  Review,
  SubQuestions,
} from './shapes.ts'
import { AnalysisKey, FindingsKey, PlanKey, ProjectKey, type ProjectOf, SurveyKey } from './shared.ts'

interface Result {
  readonly agent: string
  readonly success: boolean
  readonly value?: unknown
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string }
}
type Input = Project | { readonly results: readonly Result[] }

export const createCoordinator = (index: SearchIndex, projectOf: ProjectOf) =>
  defineAgent<Input>({
    name: 'Coordinator',
    description: 'Leads the research project and answers with its report.',
    async run(input, ctx) {
      const team = { ctx, index, ids: projectOf(ctx) }
      if (!('results' in input)) return begin(Project.parse(input), team)
      const [first] = input.results
      switch (first?.agent) {
        case 'Planner':
          return research(team, SubQuestions.parse(answerOf(first)).sub_questions)
        case 'Researcher':
          return analyse(team, input.results)
        case 'Analyst':
          return write(team, Analysis.parse(answerOf(first)))
        case 'Writer':
          return review(team, input.results)
        default:
          return report(team, Review.parse(answerOf(first)))
      }
    },
  })

interface Team {
  readonly ctx: StepContext
  readonly index: SearchIndex
  readonly ids: ReturnType<ProjectOf>
}

/** Only its own later steps read these. */
const own = { audience: 'owner' } as const

async function begin(project: Project, { ctx, index, ids }: Team) {
  await ctx.context.push(ProjectKey(ids), project, own)
  await ctx.context.push(SurveyKey(ids), await surveyDocuments(ctx, index), own)
  return invoke([{ agent: 'Planner', input: { question: project.question } }])
}

async function research({ ctx, ids }: Team, planned: readonly string[]) {
  const different = new Map(
    planned.map((one) => [one.trim().toLowerCase(), one.trim().slice(0, limits.questionCharacters)]),
  )
  const plan = [...different.values()].filter((one) => one !== '').slice(0, limits.subQuestions)
  await ctx.context.push(PlanKey(ids), plan, own)
  const { question } = await read(ctx, ProjectKey(ids))
  // A part may leave its subject to the rest of the question: "… and what happens on Windows?"
  const rest = plan.length > 1 ? { whole_question: question } : {}
  return invoke(plan.map((part, i) => ({ agent: 'Researcher', input: { number: i + 1, question: part, ...rest } })))
}

/** A part whose researcher failed is a gap of the report; only where all failed is the project over. */
async function analyse({ ctx, ids }: Team, results: readonly Result[]) {
  if (!results.some((one) => one.success)) answerOf(results[0])
  const plan = await read(ctx, PlanKey(ids))
  for (const [i, result] of results.entries()) {
    if (result.success) continue
    const failed: Findings = {
      number: i + 1,
      question: plan[i] ?? '',
      findings: [],
      not_found: [`${notLookedUp}: ${result.error?.message ?? 'the researcher failed'}`],
    }
    await ctx.context.push(FindingsKey({ ...ids, number: i + 1 }), failed, {
      subscribers: ['Coordinator', 'Analyst'],
    })
  }
  return invoke([{ agent: 'Analyst', input: { sub_questions: plan } }])
}

async function write(team: Team, analysis: Analysis) {
  const answered = analysis.sections.filter(({ findings }) => findings.length > 0)
  if (answered.length === 0)
    return report(team, { sections: [], contradictions: [], struck: [], checked: 0, sent_back: 0 })
  return invoke(answered.map(({ question, findings }) => ({ agent: 'Writer', input: briefOf(question, findings) })))
}

/** Where a Writer failed, the section holds the findings as they are. */
async function review({ ctx, ids }: Team, results: readonly Result[]) {
  const analysis = await read(ctx, AnalysisKey(ids))
  const sections = analysis.sections
    .filter(({ findings }) => findings.length > 0)
    .map(({ number, question, findings }, i) => {
      const result = results[i]
      const claims = result?.success ? claimsOf(result.value) : findings.map(({ support: _, ...claim }) => claim)
      return { number, question, claims: withSupport(claims, findings) }
    })
  const draft: Draft = { sections, contradictions: analysis.contradictions }
  return invoke([{ agent: 'Reviewer', input: draft }])
}

async function report({ ctx, index, ids }: Team, review: Review) {
  const project = await read(ctx, ProjectKey(ids))
  const survey = await read(ctx, SurveyKey(ids))
  const plan = await read(ctx, PlanKey(ids))
  const analysis = await read(ctx, AnalysisKey(ids))
  const research: Findings[] = []
  for (const [i] of plan.entries()) research.push(await read(ctx, FindingsKey({ ...ids, number: i + 1 })))
  const near: Near[][] = []
  for (const [i, question] of plan.entries()) {
    const answered = review.sections.some(({ number, claims }) => number === i + 1 && claims.length > 0)
    near.push(answered ? [] : await nearMisses(ctx, index, question, project.question))
  }
  const found = review.sections.some(({ claims }) => claims.length > 0)
  const parts = { project, survey, plan, near, gaps: analysis.gaps, review }
  return finish({
    status: found ? 'completed' : 'nothing_found',
    research_data: research,
    analysis_results: analysis,
    final_report: renderReport(parts),
    twin: twinOf(parts),
  } satisfies Outcome)
}

interface Key<T> {
  readonly key: string
  readonly schema: Schema<T>
  toString(): string
}

async function read<T>(ctx: StepContext, key: Key<T>): Promise<T> {
  const value = (await ctx.context.get(key)) as T | undefined
  if (value === undefined) throw new AgentError(`The shared context has lost ${key}.`)
  return value
}

/** @throws what the agent failed with */
function answerOf(result: Result | undefined): unknown {
  if (result?.success) return result.value
  const { message = 'An agent of the team gave no answer.', ...more } = result?.error ?? {}
  throw new AgentError(message, more)
}
