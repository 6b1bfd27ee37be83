/** What the team shares: the keys of its entries in the context mesh, and the messages between its members. */
import { defineKey, defineMessage, type StepContext } from 'troupe'
import { z } from 'zod'
import { Analysis, Claim, Claims, Findings, Project, Survey } from './shapes.ts'

/**
 * What the keys of a project's entries begin with: several projects of one user do not meet. A run that retries another
 * is of the same project, and so finds what that one has shared.
 */
export type ProjectOf = (ctx: StepContext) => { readonly run: string }

export const ProjectKey = defineKey('research.{run}.project', Project)
export const SurveyKey = defineKey('research.{run}.survey', Survey)
export const PlanKey = defineKey('research.{run}.plan', z.array(z.string()))
export const FindingsKey = defineKey('research.{run}.findings.{number}', Findings)
export const AnalysisKey = defineKey('research.{run}.analysis', Analysis)

/** The Reviewer sends a section back; the Writer answers with its claims put right. */
export const Remarks = defineMessage(
  'review.remarks',
  z.object({
    question: z.string(),
    remarks: z.array(z.object({ claim: Claim, fault: z.string() })),
    /** What may be cited: the findings of the section without those that were refused. */
    findings: z.array(Claim),
  }),
  { reply: Claims },
)
