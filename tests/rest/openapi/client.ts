// SPDX-License-Identifier: Apache-2.0
// What a client reads, with the types that openapi-typescript makes of the document. It is compiled, never run: each
// expected error would be missing if the type were `any`, each other line be an error if it were `unknown`.
import type { components, paths } from "./pool";

type Body<R> = R extends { content: { "application/json": infer B } } ? B : never;

type Vms = Body<paths["/vm-instances"]["get"]["responses"][200]>;
export const memory = (a: Vms): number | undefined => a.inventories?.[0]?.memorySize;
export const address = (a: Vms): string | undefined => a.inventories?.[0]?.vmNics?.[0]?.ip;
export const shareable = (a: Vms): boolean | undefined => a.inventories?.[0]?.allVolumes?.[0]?.isShareable;
// @ts-expect-error a name is a text
export const name = (a: Vms): number | undefined => a.inventories?.[0]?.name;
// @ts-expect-error VMs have no such member
export const none = (a: Vms) => a.inventories?.[0]?.color;

// The result of a job has the type of its operation.
export const job = (a: Body<paths["/vm-instances"]["post"]["responses"][202]>): string => a.location;
type Created = components["schemas"]["CreateVmInstanceResult"];
export const state = (a: Created): string | undefined => a.inventory?.state;
type Job = paths["/api-jobs/{uuid}"]["get"]["responses"];
export const result = (a: Created): Body<Job[200]> => a;
export const failure = (a: Body<Job[503]>): string => a.error.details;

// Header fields, and what any request can be answered with.
type Refused = paths["/vm-instances"]["post"]["responses"][405];
export const allowed = (a: Refused): string | undefined => a.headers["Allow"];
export const date = (a: Refused): string => a.headers["Date"];
export const retry = (a: paths["/zones"]["get"]["responses"][429]): number | undefined => a.headers["Retry-After"];
// @ts-expect-error only some answers say when to come again
export const never = (a: Refused): number | undefined => a.headers["Retry-After"];
export const text = (a: Refused): string => a.content["text/plain"];
