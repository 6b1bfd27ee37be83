/** The form of the checks in this folder: one function each, under the id of the catalogue. */
import type { CheckId, doctorChecks } from '../catalogue.ts'
import type { DoctorAnswer } from '../check.ts'
import type { Patient, ProjectPatient, SystemPatient } from '../patient.ts'

interface Patients {
  readonly configuration: Patient
  readonly system: SystemPatient
  readonly project: ProjectPatient
}
type About<Id extends CheckId> = (typeof doctorChecks)[Id]['about']

/** Of all checks that are more than the word of a person. */
export type Runs = {
  readonly [Id in CheckId as About<Id> extends 'word' ? never : Id]: (
    patient: Patients[Exclude<About<Id>, 'word'>],
  ) => DoctorAnswer | Promise<DoctorAnswer>
}
