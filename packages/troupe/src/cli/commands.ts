/** Every command, in the order of the help. */
import type { Command } from './command.ts'
import { aboutCommands } from './commands/about.ts'
import { auditCommands } from './commands/audit.ts'
import { backupCommands } from './commands/backup.ts'
import { chatCommand } from './commands/chat.ts'
import { completionOf } from './commands/completion.ts'
import { contextCommands } from './commands/context.ts'
import { doctorCommand } from './commands/doctor.ts'
import { initCommand } from './commands/init.ts'
import { keyCommands } from './commands/keys.ts'
import { loadCommand } from './commands/load.ts'
import { messageCommands } from './commands/messages.ts'
import { runCommand } from './commands/run.ts'
import { runsCommands } from './commands/runs.ts'
import { debugCommands } from './commands/runs-debug.ts'
import { runsEvaluateCommand } from './commands/runs-evaluate.ts'
import { scheduleCommands } from './commands/schedules.ts'
import { serveCommands } from './commands/serve.ts'
import { teamCommands } from './commands/team.ts'

export const commands: readonly Command[] = [
  initCommand,
  runCommand,
  chatCommand,
  ...serveCommands,
  ...teamCommands,
  ...runsCommands,
  ...debugCommands,
  runsEvaluateCommand,
  ...contextCommands,
  ...messageCommands,
  ...scheduleCommands,
  ...keyCommands,
  ...auditCommands,
  ...backupCommands,
  loadCommand,
  doctorCommand,
  ...aboutCommands,
  completionOf(() => commands),
]
