/** Goes through the checklists for production. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DoctorReport, DoctorResult } from '../../operations/index.ts'
import { type CliCommand, type CommandContext, text } from '../cli-command.ts'
import { CliError, complaintOf, exitCodes } from '../exit-codes.ts'
import type { Output } from '../output/output.ts'
import { oneLine } from '../output/safe.ts'
import { needDatabase } from '../transport/open-transport.ts'

export const doctorCommand: CliCommand = {
  name: 'doctor',
  description:
    'Find what is missing for production in the configuration, the running system and the project of this folder',
  options: [
    ['--production', 'Apply the rules of production, whatever the profile'],
    ['--project <folder>', 'The folder of the project to inspect (default: the current one)'],
    ['--no-project', 'Do not inspect a project'],
    ['--all', 'Show all checks, also those that pass'],
  ],
  async run(context, _, options) {
    const production = options.production === true ? { production: true } : {}
    const named = text(options, 'project')
    const project = options.project === false ? undefined : (named ?? ((await isProject('.')) ? '.' : undefined))
    const report = await examined(context, production, project)
    context.out.document(report)
    printReport(context.out, report, options.all === true)
    return report.status === 'fail' ? exitCodes.failed : exitCodes.ok
  },
}

/** Whether the folder has a `package.json`. A folder without one is checked only if it was named. */
const isProject = (folder: string): Promise<boolean> =>
  stat(join(folder, 'package.json')).then(
    () => true,
    () => false,
  )

/**
 * Requests the report of the troupe by the route of a server, local or remote, and checks the project on this machine. If the
 * troupe cannot be opened, only the configuration is checked, and the problem is part of the report.
 */
async function examined(
  context: CommandContext,
  production: { readonly production?: boolean },
  project: string | undefined,
): Promise<DoctorReport> {
  const { examineConfig, examineProject, joinedReports, pendingSteps } = await import('../../operations/index.ts')
  const { config, problems } = await context.withTeams()
  const { signal } = context
  const options = { ...production, ...(project === undefined ? {} : { project }), signal }
  const isHere = context.flags.url === undefined
  if (problems.length > 0 && isHere) {
    const [{ message, hint } = { message: '', hint: undefined }] = problems
    return examineConfig(config, { ...options, problems, problem: { message, ...(hint ? { hint } : {}) } })
  }
  // Opening would make it, and a doctor changes nothing.
  const missing = isHere ? await needDatabase(config).catch((error: Error) => error) : undefined
  if (missing instanceof CliError) return examineConfig(config, { ...options, problem: complaintOf(missing) })
  // So would it apply them.
  const pending = isHere ? await pendingSteps(config).catch(() => []) : []
  if (pending.length > 0)
    return examineConfig(config, {
      ...options,
      problem: {
        message: 'The database was not opened, because opening it would migrate it.',
        hint: 'See storage.migrated.',
      },
    })
  const opened = await context.client().catch((error: Error) => error)
  if (opened instanceof Error) {
    if (opened instanceof CliError || !isHere || signal.aborted) throw opened
    return examineConfig(config, { ...options, problem: opened })
  }
  const query = production.production ? { production: 'true' as const } : {}
  const report: DoctorReport = await opened.call('operations.doctor', { query })
  if (project === undefined) return report
  const files = await examineProject({ project, config, production: report.production, signal })
  return joinedReports(report, files)
}

const marks = { pass: ['green', 'pass'], warn: ['yellow', 'warn'], fail: ['red', 'FAIL'] } as const
const maxInDevelopment = 3

/**
 * Prints the findings, the most important first. In development, where most of them can wait, it prints three and the number
 * of the others.
 * @param all prints every check, also those that pass
 */
export function printReport(out: Output, { checks, counts, production }: DoctorReport, all: boolean): void {
  const findings = checks.filter(({ status }) => status !== 'pass')
  const shown = all ? checks : production ? findings : findings.slice(0, maxInDevelopment)
  for (const check of shown) printCheck(out, check)
  const more = all ? [] : findings.slice(shown.length)
  const count = (status: DoctorResult['status']) => more.filter((check) => check.status === status).length
  if (more.length > 0) out.print(`${more.length} more (${count('fail')} fail, ${count('warn')} warn): --all`)
  const judged = production ? 'production' : 'development; --production judges as production'
  out.print(`${counts.pass} pass, ${counts.warn} warn, ${counts.fail} fail. Judged as ${judged}.`)
}

function printCheck(out: Output, { id, status, description, evidence, remedy }: DoctorResult): void {
  const [color, mark] = marks[status]
  out.print(`${out.style(color, mark)}  ${out.style('bold', oneLine(id))}  ${oneLine(description)}`)
  out.print(`      ${oneLine(evidence)}`)
  if (remedy !== undefined) out.print(`      → ${oneLine(remedy)}`)
}
