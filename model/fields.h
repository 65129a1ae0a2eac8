/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of every kind, in the order of the manual's inventories
 * (behaviour.md 1.10 and 5). Included by kind.h only.
 *
 * X(PREFIX, ID, key, type, flags, target kind, target field, value field, help)
 * becomes the enumerator PREFIX_ID and one row of the kind's field table.
 */
#ifndef POOLFS_FIELDS_H
#define POOLFS_FIELDS_H

/* Short forms of the common cases. */
#define X_STR(X, P, ID, key, flags, help)	  X(P, ID, key, FIELD_STRING, flags, KIND_NONE, 0, 0, help)
#define X_INT(X, P, ID, key, help)		  X(P, ID, key, FIELD_INT, 0, KIND_NONE, 0, 0, help)
#define X_LONG(X, P, ID, key, help)		  X(P, ID, key, FIELD_LONG, 0, KIND_NONE, 0, 0, help)
#define X_BOOL(X, P, ID, key, help)		  X(P, ID, key, FIELD_BOOL, 0, KIND_NONE, 0, 0, help)
#define X_NOTHING(X, P, ID, key, help)		  X(P, ID, key, FIELD_NOTHING, 0, KIND_NONE, 0, 0, help)
#define X_REF(X, P, ID, key, flags, target, help) X(P, ID, key, FIELD_STRING, flags, target, 0, 0, help)
#define X_UUID(X, P)				  X(P, UUID, "uuid", FIELD_STRING, F_INDEX, KIND_NONE, 0, 0, "32 lower-case hex digits")
#define X_NAME(X, P)                                                                                         \
	X(P, NAME, "name", FIELD_STRING, F_INDEX, KIND_NONE, 0, 0, "name, at most 255 characters")
#define X_DESC(X, P)                                                                                         \
	X(P, DESCRIPTION, "description", FIELD_STRING, 0, KIND_NONE, 0, 0,                                   \
	  "free text, at most 2048 characters")
#define X_DATES(X, P)                                                                                        \
	X(P, CREATE_DATE, "createDate", FIELD_DATE, 0, KIND_NONE, 0, 0, "time of creation")                  \
	X(P, LAST_OP_DATE, "lastOpDate", FIELD_DATE, 0, KIND_NONE, 0, 0, "time of the last change")
/* The account that owns the object; never part of an inventory. */
#define X_ACCOUNT(X, P)                                                                                      \
	X(P, ACCOUNT_UUID, "accountUuid", FIELD_STRING, F_HIDDEN | F_INDEX | F_SHARED, KIND_ACCOUNT, 0, 0,   \
	  "owner")

/* One field per line; clang-format would wrap them into a staircase. */
/* clang-format off */

#define ZONE_FIELDS(X)                                                                                       \
	X_UUID(X, ZONE) X_NAME(X, ZONE) X_DESC(X, ZONE)                                                      \
	X_STR(X, ZONE, STATE, "state", F_SHARED, "Enabled or Disabled")                                      \
	X_STR(X, ZONE, TYPE, "type", F_SHARED, "zstack")                                                     \
	X_DATES(X, ZONE)

#define CLUSTER_FIELDS(X)                                                                                    \
	X_UUID(X, CLUSTER) X_NAME(X, CLUSTER)                                                                \
	X_DESC(X, CLUSTER)                                                                                   \
	X_STR(X, CLUSTER, STATE, "state", F_SHARED, "Enabled or Disabled")                                   \
	X_STR(X, CLUSTER, HYPERVISOR_TYPE, "hypervisorType", F_SHARED, "KVM or Simulator")                   \
	X_DATES(X, CLUSTER)                                                                                  \
	X_REF(X, CLUSTER, ZONE_UUID, "zoneUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_ZONE, "its zone")      \
	X_STR(X, CLUSTER, TYPE, "type", F_SHARED, "zstack")                                                  \
	X_STR(X, CLUSTER, FENCE_COMMAND, "fenceCommand", F_FILE,                                             \
	      "program that cuts the power of a silent host of the cluster; empty: none")

#define HOST_FIELDS(X)                                                                                       \
	X_UUID(X, HOST)                                                                                      \
	X_REF(X, HOST, ZONE_UUID, "zoneUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_ZONE, "its zone")         \
	X_NAME(X, HOST)                                                                                      \
	X_REF(X, HOST, CLUSTER_UUID, "clusterUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_CLUSTER, "its cluster") \
	X_DESC(X, HOST)                                                                                      \
	X_STR(X, HOST, MANAGEMENT_IP, "managementIp", F_INDEX, "management address of the host")             \
	X_STR(X, HOST, HYPERVISOR_TYPE, "hypervisorType", F_SHARED, "KVM or Simulator")                      \
	X_STR(X, HOST, STATE, "state", F_SHARED, "Enabled, Disabled, PreMaintenance or Maintenance")         \
	X_STR(X, HOST, STATUS, "status", F_SHARED, "Connecting, Connected or Disconnected")                  \
	X_LONG(X, HOST, TOTAL_CPU, "totalCpuCapacity", "CPUs, multiplied by host.cpu.overProvisioning.ratio") \
	X_LONG(X, HOST, AVAILABLE_CPU, "availableCpuCapacity", "part of it that is not reserved for VMs")    \
	X_INT(X, HOST, CPU_SOCKETS, "cpuSockets", "CPU sockets")                                             \
	X_LONG(X, HOST, TOTAL_MEMORY, "totalMemoryCapacity", "bytes of memory")                              \
	X_LONG(X, HOST, AVAILABLE_MEMORY, "availableMemoryCapacity", "bytes not reserved for VMs")           \
	X_INT(X, HOST, CPU_NUM, "cpuNum", "logical processors")                                              \
	X_DATES(X, HOST)                                                                                     \
	X_STR(X, HOST, USERNAME, "username", 0, "ssh user, for qemu+ssh hosts")                              \
	X_INT(X, HOST, SSH_PORT, "sshPort", "ssh port, for qemu+ssh hosts")                                  \
	X_STR(X, HOST, URI, "uri", F_FILE, "libvirt URI of the host")                                        \
	X_STR(X, HOST, VIRT_TYPE, "virtType", F_FILE, "kvm, qemu (when KVM is not available) or test")       \
	X(HOST, BANDWIDTH, "bandwidth", FIELD_BOOL, F_HIDDEN, KIND_NONE, 0, 0, "true: traffic control works") \
	X_STR(X, HOST, STATUS_REASON, "statusReason", F_FILE,                                                \
	      "why it is not connected; when it is: which storage or network cannot be used there; else empty") \
	X_STR(X, HOST, FENCE_COMMAND, "fenceCommand", F_FILE,                                                \
	      "program that cuts the host's power when it is silent, in place of its cluster's")             \
	X_STR(X, HOST, FENCE_STATUS, "fenceStatus", F_FILE,                                                  \
	      "of a silent host: Fencing, Failed, Off (the fence command says so) or Confirmed (an administrator does)") \
	X_STR(X, HOST, FENCE_REASON, "fenceReason", F_FILE,                                                  \
	      "of a silent host: what is known of its power, and what can be done; empty when it answers")   \
	X_STR(X, HOST, ARCH, "architecture", F_FILE | F_SHARED, "x86_64 or aarch64; empty when simulated")   \
	X_STR(X, HOST, MACHINE_PARTS, "machineParts", F_FILE,                                                \
	      "of uefi, secureBoot and tpm, what guests can have there, separated by blanks, or none; empty when not known") \
	X(HOST, FOREIGN_CPU, "foreignCpuNum", FIELD_INT, F_FILE, KIND_NONE, 0, 0,                            \
	  "virtual CPUs of running VMs that are not of the pool; they count for its capacity")               \
	X(HOST, FOREIGN_MEMORY, "foreignMemorySize", FIELD_LONG, F_FILE, KIND_NONE, 0, 0,                    \
	  "bytes of memory of running VMs that are not of the pool; they count for its capacity") \
	X(HOST, PREPARING, "preparing", FIELD_BOOL, F_HIDDEN | F_NOWRITE, KIND_NONE, 0, 0,                   \
	  "true: it has connected, and what is attached to its cluster is being opened there") \
	X_STR(X, HOST, FORMER_STATE, "formerState", F_HIDDEN | F_SHARED,                                     \
	      "while it is PreMaintenance: the state that it goes back to if the maintenance fails")

#define PRIMARY_STORAGE_FIELDS(X)                                                                            \
	X_UUID(X, PRIMARY_STORAGE)                                                                           \
	X_REF(X, PRIMARY_STORAGE, ZONE_UUID, "zoneUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_ZONE, "its zone") \
	X_NAME(X, PRIMARY_STORAGE)                                                                           \
	X_STR(X, PRIMARY_STORAGE, URL, "url", 0, "folder, host:/path, or ceph://...")                        \
	X_DESC(X, PRIMARY_STORAGE)                                                                           \
	X_LONG(X, PRIMARY_STORAGE, TOTAL, "totalCapacity", "bytes that volumes may reserve")                 \
	X_LONG(X, PRIMARY_STORAGE, AVAILABLE, "availableCapacity", "bytes not reserved yet")                 \
	X_LONG(X, PRIMARY_STORAGE, TOTAL_PHYSICAL, "totalPhysicalCapacity", "size of the file system, bytes") \
	X_LONG(X, PRIMARY_STORAGE, AVAILABLE_PHYSICAL, "availablePhysicalCapacity", "free space in the file system, bytes") \
	X_LONG(X, PRIMARY_STORAGE, SYSTEM_USED, "systemUsedCapacity", "bytes used by other data")            \
	X_STR(X, PRIMARY_STORAGE, TYPE, "type", F_SHARED, "LocalStorage, NFS, SharedMountPoint or Ceph")     \
	X_STR(X, PRIMARY_STORAGE, STATE, "state", F_SHARED, "Enabled, Disabled, Maintenance or Deleting")    \
	X_STR(X, PRIMARY_STORAGE, STATUS, "status", F_SHARED, "Connecting, Connected or Disconnected")       \
	X_STR(X, PRIMARY_STORAGE, MOUNT_PATH, "mountPath", 0, "folder on the hosts")                         \
	X_DATES(X, PRIMARY_STORAGE)                                                                          \
	X(PRIMARY_STORAGE, CLUSTERS, "attachedClusterUuids", FIELD_VALUES, 0, KIND_CLUSTER_PRIMARY_STORAGE,  \
	  CLUSTER_PS_PRIMARY_STORAGE_UUID, CLUSTER_PS_CLUSTER_UUID, "clusters that use it")

#define CLUSTER_PS_FIELDS(X)                                                                                 \
	X_UUID(X, CLUSTER_PS)                                                                                \
	X_REF(X, CLUSTER_PS, CLUSTER_UUID, "clusterUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_CLUSTER, "")  \
	X_REF(X, CLUSTER_PS, PRIMARY_STORAGE_UUID, "primaryStorageUuid", F_INDEX | F_FOREIGN | F_OWNER,      \
	      KIND_PRIMARY_STORAGE, "")

#define BACKUP_STORAGE_FIELDS(X)                                                                             \
	X_UUID(X, BACKUP_STORAGE) X_NAME(X, BACKUP_STORAGE)                                                  \
	X_STR(X, BACKUP_STORAGE, URL, "url", 0, "folder of the images")                                      \
	X_DESC(X, BACKUP_STORAGE)                                                                            \
	X_LONG(X, BACKUP_STORAGE, TOTAL, "totalCapacity", "bytes")                                           \
	X_LONG(X, BACKUP_STORAGE, AVAILABLE, "availableCapacity", "free bytes")                              \
	X_STR(X, BACKUP_STORAGE, TYPE, "type", F_SHARED, "ImageStoreBackupStorage or SftpBackupStorage")     \
	X_STR(X, BACKUP_STORAGE, STATE, "state", F_SHARED, "Enabled or Disabled")                            \
	X_STR(X, BACKUP_STORAGE, STATUS, "status", F_SHARED, "Connecting, Connected or Disconnected")        \
	X_DATES(X, BACKUP_STORAGE)                                                                           \
	X(BACKUP_STORAGE, ZONES, "attachedZoneUuids", FIELD_VALUES, 0, KIND_ZONE_BACKUP_STORAGE,             \
	  ZONE_BS_BACKUP_STORAGE_UUID, ZONE_BS_ZONE_UUID, "zones that may use its images")                   \
	X_STR(X, BACKUP_STORAGE, HOSTNAME, "hostname", 0, "address of the storage's host")                   \
	X_STR(X, BACKUP_STORAGE, USERNAME, "username", 0, "ssh user")                                        \
	X_INT(X, BACKUP_STORAGE, SSH_PORT, "sshPort", "ssh port")

#define ZONE_BS_FIELDS(X)                                                                                    \
	X_UUID(X, ZONE_BS)                                                                                   \
	X_REF(X, ZONE_BS, ZONE_UUID, "zoneUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_ZONE, "")              \
	X_REF(X, ZONE_BS, BACKUP_STORAGE_UUID, "backupStorageUuid", F_INDEX | F_FOREIGN | F_OWNER,           \
	      KIND_BACKUP_STORAGE, "")

#define L2_FIELDS(X)                                                                                         \
	X_UUID(X, L2) X_NAME(X, L2) X_DESC(X, L2)                                                            \
	X_REF(X, L2, ZONE_UUID, "zoneUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_ZONE, "its zone")           \
	X_STR(X, L2, PHYSICAL_INTERFACE, "physicalInterface", 0,                                             \
	      "interface or bridge on the hosts; virbr-* are bridges created by libvirt")                    \
	X_STR(X, L2, TYPE, "type", F_SHARED, "L2NoVlanNetwork or L2VlanNetwork")                             \
	X_DATES(X, L2)                                                                                       \
	X(L2, CLUSTERS, "attachedClusterUuids", FIELD_VALUES, 0, KIND_CLUSTER_L2_NETWORK,                    \
	  CLUSTER_L2_L2_NETWORK_UUID, CLUSTER_L2_CLUSTER_UUID, "clusters that are connected to it")          \
	X_INT(X, L2, VLAN, "vlan", "VLAN number, 1 to 4094")

#define CLUSTER_L2_FIELDS(X)                                                                                 \
	X_UUID(X, CLUSTER_L2)                                                                                \
	X_REF(X, CLUSTER_L2, CLUSTER_UUID, "clusterUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_CLUSTER, "")  \
	X_REF(X, CLUSTER_L2, L2_NETWORK_UUID, "l2NetworkUuid", F_INDEX | F_FOREIGN | F_OWNER,                \
	      KIND_L2_NETWORK, "")

#define L3_FIELDS(X)                                                                                         \
	X_UUID(X, L3) X_NAME(X, L3) X_DESC(X, L3)                                                            \
	X_STR(X, L3, TYPE, "type", F_SHARED, "L3BasicNetwork")                                               \
	X_REF(X, L3, ZONE_UUID, "zoneUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_ZONE, "its zone")           \
	X_REF(X, L3, L2_NETWORK_UUID, "l2NetworkUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_L2_NETWORK, "its L2 network") \
	X_STR(X, L3, STATE, "state", F_SHARED, "Enabled or Disabled")                                        \
	X_STR(X, L3, DNS_DOMAIN, "dnsDomain", 0, "domain announced by DHCP")                                 \
	X_BOOL(X, L3, SYSTEM, "system", "true: not for user VMs")                                            \
	X_STR(X, L3, CATEGORY, "category", 0, "Public, Private or System")                                   \
	X_DATES(X, L3)                                                                                       \
	X(L3, DNS, "dns", FIELD_VALUES, 0, KIND_L3_DNS, L3_DNS_L3_NETWORK_UUID, L3_DNS_DNS, "DNS servers")   \
	X(L3, IP_RANGES, "ipRanges", FIELD_CHILDREN, 0, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, 0,          \
	  "address ranges")                                                                                  \
	X_ACCOUNT(X, L3)                                                                                     \
	X_NOTHING(X, L3, NETWORK_SERVICES, "networkServices", "providers of network services: there are none")   \
	X_NOTHING(X, L3, HOST_ROUTE, "hostRoute", "routes announced by DHCP: there are none")

#define L3_DNS_FIELDS(X)                                                                                     \
	X_UUID(X, L3_DNS)                                                                                    \
	X_REF(X, L3_DNS, L3_NETWORK_UUID, "l3NetworkUuid", F_INDEX | F_FOREIGN | F_OWNER | F_SHARED, KIND_L3_NETWORK, "") \
	X_STR(X, L3_DNS, DNS, "dns", 0, "")

#define IP_RANGE_FIELDS(X)                                                                                   \
	X_UUID(X, IP_RANGE)                                                                                  \
	X_REF(X, IP_RANGE, L3_NETWORK_UUID, "l3NetworkUuid", F_INDEX | F_FOREIGN | F_OWNER | F_SHARED, KIND_L3_NETWORK, \
	      "its L3 network")                                                                              \
	X_NAME(X, IP_RANGE) X_DESC(X, IP_RANGE)                                                              \
	X_STR(X, IP_RANGE, START_IP, "startIp", 0, "first address")                                          \
	X_STR(X, IP_RANGE, END_IP, "endIp", 0, "last address")                                               \
	X_STR(X, IP_RANGE, NETMASK, "netmask", F_SHARED, "netmask")                                          \
	X_STR(X, IP_RANGE, GATEWAY, "gateway", F_SHARED, "gateway, not part of the range")                   \
	X_STR(X, IP_RANGE, NETWORK_CIDR, "networkCidr", 0, "the range as CIDR")                              \
	X_DATES(X, IP_RANGE)

#define IMAGE_FIELDS(X)                                                                                      \
	X_UUID(X, IMAGE) X_NAME(X, IMAGE) X_DESC(X, IMAGE)                                                   \
	X_STR(X, IMAGE, EXPORT_URL, "exportUrl", 0, "where anybody can download it, while it is exported")                              \
	X_STR(X, IMAGE, EXPORT_MD5, "exportMd5Sum", 0, "MD5 of what is downloaded there")                           \
	X_STR(X, IMAGE, STATE, "state", F_INDEX | F_SHARED, "Enabled or Disabled")                           \
	X_STR(X, IMAGE, STATUS, "status", F_INDEX | F_SHARED, "Creating, Downloading, Ready or Deleted")     \
	X_LONG(X, IMAGE, SIZE, "size", "virtual size, bytes")                                                \
	X_LONG(X, IMAGE, ACTUAL_SIZE, "actualSize", "size of the file, bytes")                               \
	X_STR(X, IMAGE, MD5, "md5Sum", 0, "MD5 of the file")                                                 \
	X_STR(X, IMAGE, URL, "url", 0, "source URL")                                                         \
	X_STR(X, IMAGE, MEDIA_TYPE, "mediaType", F_SHARED, "RootVolumeTemplate, DataVolumeTemplate or ISO")  \
	X_STR(X, IMAGE, GUEST_OS_TYPE, "guestOsType", 0, "guest operating system, free text")                \
	X_STR(X, IMAGE, TYPE, "type", F_SHARED, "zstack")                                                    \
	X_STR(X, IMAGE, PLATFORM, "platform", F_SHARED, "Linux, Windows, Other, Paravirtualization or WindowsVirtio") \
	X_STR(X, IMAGE, FORMAT, "format", F_SHARED, "qcow2, raw or iso, as detected in the file")            \
	X_BOOL(X, IMAGE, SYSTEM, "system", "true: not for user VMs")                                         \
	X_DATES(X, IMAGE)                                                                                    \
	X(IMAGE, REFS, "backupStorageRefs", FIELD_CHILDREN, 0, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, 0,      \
	  "its copies on backup storage")                                                                    \
	X_ACCOUNT(X, IMAGE)

#define IMAGE_REF_FIELDS(X)                                                                                  \
	X(IMAGE_REF, UUID, "uuid", FIELD_STRING, F_INDEX | F_HIDDEN, KIND_NONE, 0, 0, "")                    \
	X_REF(X, IMAGE_REF, IMAGE_UUID, "imageUuid", F_INDEX | F_FOREIGN | F_OWNER | F_SHARED, KIND_IMAGE, "") \
	X_REF(X, IMAGE_REF, BACKUP_STORAGE_UUID, "backupStorageUuid", F_INDEX | F_FOREIGN,                   \
	      KIND_BACKUP_STORAGE, "")                                                                       \
	X_STR(X, IMAGE_REF, INSTALL_PATH, "installPath", 0, "")                                              \
	X_STR(X, IMAGE_REF, STATUS, "status", F_SHARED, "Creating, Downloading, Ready, Deleted or Deleting") \
	X_DATES(X, IMAGE_REF)

/* An image that anybody can download who knows the uuid, which is the secret in its URL. */
#define IMAGE_EXPORT_FIELDS(X)                                                                               \
	X_UUID(X, IMAGE_EXPORT)                                                                              \
	X_REF(X, IMAGE_EXPORT, IMAGE_UUID, "imageUuid", F_INDEX | F_FOREIGN, KIND_IMAGE, "")

/* The copy of an image on a primary storage: the backing file of root volumes. */
#define IMAGE_CACHE_FIELDS(X)                                                                                \
	X_UUID(X, IMAGE_CACHE)                                                                               \
	X_REF(X, IMAGE_CACHE, IMAGE_UUID, "imageUuid", F_INDEX | F_SHARED, KIND_IMAGE, "")                   \
	X_REF(X, IMAGE_CACHE, PRIMARY_STORAGE_UUID, "primaryStorageUuid", F_INDEX | F_FOREIGN,               \
	      KIND_PRIMARY_STORAGE, "")                                                                      \
	X_REF(X, IMAGE_CACHE, HOST_UUID, "hostUuid", F_INDEX | F_SHARED, KIND_HOST, "host that has it in a local folder") \
	X_STR(X, IMAGE_CACHE, INSTALL_PATH, "installPath", 0, "")                                            \
	X_STR(X, IMAGE_CACHE, FORMAT, "format", F_SHARED, "")                                                \
	X_LONG(X, IMAGE_CACHE, SIZE, "size", "")                                                             \
	X_STR(X, IMAGE_CACHE, STATUS, "status", F_SHARED, "Creating, Ready, Stale or Deleting, see image/cache.c") \
	X_DATES(X, IMAGE_CACHE)

#define INSTANCE_OFFERING_FIELDS(X)                                                                          \
	X_UUID(X, INSTANCE_OFFERING) X_NAME(X, INSTANCE_OFFERING) X_DESC(X, INSTANCE_OFFERING)               \
	X_INT(X, INSTANCE_OFFERING, CPU_NUM, "cpuNum", "virtual CPUs")                                       \
	X_INT(X, INSTANCE_OFFERING, CPU_SPEED, "cpuSpeed", "MHz, 0 = unspecified")                           \
	X_LONG(X, INSTANCE_OFFERING, MEMORY_SIZE, "memorySize", "bytes")                                     \
	X_STR(X, INSTANCE_OFFERING, TYPE, "type", F_SHARED, "UserVm")                                        \
	X_STR(X, INSTANCE_OFFERING, ALLOCATOR_STRATEGY, "allocatorStrategy", F_SHARED, "strategy for selecting a host") \
	X_INT(X, INSTANCE_OFFERING, SORT_KEY, "sortKey", "position in lists")                                \
	X_STR(X, INSTANCE_OFFERING, STATE, "state", F_SHARED, "Enabled or Disabled")                         \
	X_DATES(X, INSTANCE_OFFERING)                                                                        \
	X_ACCOUNT(X, INSTANCE_OFFERING)

#define DISK_OFFERING_FIELDS(X)                                                                              \
	X_UUID(X, DISK_OFFERING) X_NAME(X, DISK_OFFERING) X_DESC(X, DISK_OFFERING)                           \
	X_LONG(X, DISK_OFFERING, DISK_SIZE, "diskSize", "bytes")                                             \
	X_INT(X, DISK_OFFERING, SORT_KEY, "sortKey", "position in lists")                                    \
	X_STR(X, DISK_OFFERING, STATE, "state", F_SHARED, "Enabled or Disabled")                             \
	X_STR(X, DISK_OFFERING, TYPE, "type", F_SHARED, "zstack")                                            \
	X_STR(X, DISK_OFFERING, ALLOCATOR_STRATEGY, "allocatorStrategy", F_SHARED, "strategy for selecting a primary storage") \
	X_DATES(X, DISK_OFFERING)                                                                            \
	X_ACCOUNT(X, DISK_OFFERING)

#define VM_FIELDS(X)                                                                                         \
	X_UUID(X, VM) X_NAME(X, VM) X_DESC(X, VM)                                                            \
	X_REF(X, VM, ZONE_UUID, "zoneUuid", F_INDEX | F_SHARED, KIND_ZONE, "zone")                           \
	X_REF(X, VM, CLUSTER_UUID, "clusterUuid", F_INDEX | F_SHARED, KIND_CLUSTER, "cluster")               \
	X_REF(X, VM, IMAGE_UUID, "imageUuid", F_INDEX | F_SHARED, KIND_IMAGE, "image it was created from")   \
	X_REF(X, VM, HOST_UUID, "hostUuid", F_INDEX | F_SHARED, KIND_HOST, "host it runs on; empty when stopped") \
	X_REF(X, VM, LAST_HOST_UUID, "lastHostUuid", F_SHARED, KIND_HOST, "host it last ran on")             \
	X_REF(X, VM, INSTANCE_OFFERING_UUID, "instanceOfferingUuid", F_INDEX | F_SHARED, KIND_INSTANCE_OFFERING, \
	      "offering it was created from")                                                                \
	X_REF(X, VM, ROOT_VOLUME_UUID, "rootVolumeUuid", 0, KIND_VOLUME, "its root volume")                  \
	X_STR(X, VM, PLATFORM, "platform", F_SHARED, "Linux, Windows, Other, Paravirtualization or WindowsVirtio") \
	X_REF(X, VM, DEFAULT_L3_UUID, "defaultL3NetworkUuid", F_SHARED, KIND_L3_NETWORK, "network with the default route") \
	X_STR(X, VM, TYPE, "type", F_SHARED, "UserVm")                                                       \
	X_STR(X, VM, HYPERVISOR_TYPE, "hypervisorType", F_SHARED, "KVM or Simulator")                        \
	X_LONG(X, VM, MEMORY_SIZE, "memorySize", "bytes")                                                    \
	X_INT(X, VM, CPU_NUM, "cpuNum", "virtual CPUs")                                                      \
	X_LONG(X, VM, CPU_SPEED, "cpuSpeed", "MHz, 0 = unspecified")                                         \
	X_STR(X, VM, ALLOCATOR_STRATEGY, "allocatorStrategy", F_SHARED, "strategy for selecting a host")     \
	X_DATES(X, VM)                                                                                       \
	X_STR(X, VM, STATE, "state", F_INDEX | F_SHARED, "Running, Stopped, Paused, ...")                    \
	X(VM, NICS, "vmNics", FIELD_CHILDREN, 0, KIND_NIC, NIC_VM_UUID, 0, "its network cards")              \
	X(VM, VOLUMES, "allVolumes", FIELD_CHILDREN, 0, KIND_VOLUME, VOLUME_VM_UUID, 0, "its volumes")       \
	X(VM, INTERNAL_ID, "internalId", FIELD_LONG, 0, KIND_NONE, 0, 0, "number of the VM, unique in the pool") \
	X_STR(X, VM, STATE_REASON, "stateReason", F_FILE | F_SHARED,                                         \
	      "reason of a state change that nobody requested: enospc (a disk is full), io-error (a disk fails), watchdog, asleep, " \
	      "saved, crashed or guest") \
	X(VM, CREATE_SPEC, "createSpec", FIELD_STRING, F_HIDDEN | F_COMPRESSED | F_LEAVES, KIND_NONE, 0, 0,                            \
	  "parameters saved by JustCreate for the first start")                                              \
	X(VM, STOPPED_BY_HA, "stopHA", FIELD_BOOL, F_HIDDEN, KIND_NONE, 0, 0,                                \
	  "stopped on request: HA does not start it")                                                        \
	X(VM, PLACEMENT, "placementReport", FIELD_STRING, F_HIDDEN | F_NOWRITE | F_COMPRESSED | F_LEAVES, KIND_NONE, 0, 0,             \
	  "how its host was selected, see vm/placement.c")                                                   \
	X(VM, UNKNOWN_FROM, "unknownFrom", FIELD_STRING, F_HIDDEN, KIND_NONE, 0, 0,                          \
	  "state before its host was lost")                                                                  \
	X(VM, MIGRATION_HOST_UUID, "migrationHostUuid", FIELD_STRING, F_HIDDEN | F_INDEX | F_SHARED, KIND_HOST, 0, 0, \
	  "destination host of a migration")                                                                 \
	X_ACCOUNT(X, VM)                                                                                     \
	X(VM, NOCLOUD_DISK, "nocloudDisk", FIELD_STRING, F_HIDDEN, KIND_NONE, 0, 0,                          \
	  "file name of its NoCloud disk, beside the root volume")                                           \
	X(VM, HA_RESTART, "haRestart", FIELD_BOOL, F_HIDDEN, KIND_NONE, 0, 0,                                \
	  "lost with its host: HA starts it until it runs")                                                   \
	X_STR(X, VM, MACHINE_TYPE, "machineType", F_FILE | F_SHARED,                                                 \
	      "q35 or pc, unless the tag vmMachineType says otherwise; empty: pc, as before there was a choice")   \
	X_STR(X, VM, DOMAIN_NAME, "domainName", F_FILE,                                                      \
	      "name of its domain on the host, of a VM that was adopted and not started since; else empty: its uuid") \
	X(VM, DOMAIN_HOSTS, "domainHosts", FIELD_STRING, F_HIDDEN, KIND_NONE, 0, 0,                          \
	  "hosts where a domain that others made is, or may be, its own: uuids with a space between")

#define NIC_FIELDS(X)                                                                                        \
	X_UUID(X, NIC)                                                                                       \
	X_REF(X, NIC, VM_UUID, "vmInstanceUuid", F_INDEX | F_FOREIGN | F_OWNER, KIND_VM, "its VM")           \
	X_STR(X, NIC, USED_IP_UUID, "usedIpUuid", 0, "id of its address lease")                              \
	X_REF(X, NIC, L3_UUID, "l3NetworkUuid", F_INDEX | F_SHARED, KIND_L3_NETWORK, "its L3 network")       \
	X_STR(X, NIC, IP, "ip", F_INDEX, "IPv4 address")                                                     \
	X_STR(X, NIC, MAC, "mac", F_INDEX, "MAC address")                                                    \
	X_STR(X, NIC, NETMASK, "netmask", F_SHARED, "netmask")                                               \
	X_STR(X, NIC, GATEWAY, "gateway", F_SHARED, "gateway")                                               \
	X_STR(X, NIC, META_DATA, "metaData", 0, "free text")                                                 \
	X_STR(X, NIC, INTERNAL_NAME, "internalName", 0, "name of the tap device")                            \
	X_INT(X, NIC, DEVICE_ID, "deviceId", "number of the NIC in the VM: 0, 1, ...")                       \
	X_DATES(X, NIC)                                                                                      \
	X(NIC, INBOUND, "inboundBandwidth", FIELD_LONG, F_HIDDEN, KIND_NONE, 0, 0, "bit/s into the guest")   \
	X(NIC, OUTBOUND, "outboundBandwidth", FIELD_LONG, F_HIDDEN, KIND_NONE, 0, 0, "bit/s out of the guest")

#define VOLUME_FIELDS(X)                                                                                     \
	X_UUID(X, VOLUME) X_NAME(X, VOLUME) X_DESC(X, VOLUME)                                                \
	X_REF(X, VOLUME, PRIMARY_STORAGE_UUID, "primaryStorageUuid", F_INDEX | F_SHARED, KIND_PRIMARY_STORAGE, \
	      "its primary storage")                                                                         \
	X_REF(X, VOLUME, VM_UUID, "vmInstanceUuid", F_INDEX | F_OWNER, KIND_VM, "VM it is attached to")      \
	X_REF(X, VOLUME, DISK_OFFERING_UUID, "diskOfferingUuid", F_INDEX | F_SHARED, KIND_DISK_OFFERING, "its offering") \
	X_REF(X, VOLUME, ROOT_IMAGE_UUID, "rootImageUuid", F_INDEX | F_SHARED, KIND_IMAGE, "image it is based on") \
	X_STR(X, VOLUME, INSTALL_PATH, "installPath", 0, "file on the host")                                 \
	X_STR(X, VOLUME, TYPE, "type", F_SHARED, "Root or Data")                                             \
	X_STR(X, VOLUME, FORMAT, "format", F_SHARED, "qcow2 or raw")                                         \
	X_LONG(X, VOLUME, SIZE, "size", "virtual size, bytes")                                               \
	X_LONG(X, VOLUME, ACTUAL_SIZE, "actualSize", "bytes used on the storage")                            \
	X_INT(X, VOLUME, DEVICE_ID, "deviceId", "0 for the root volume, 1, 2, ... for data volumes; empty when detached") \
	X_STR(X, VOLUME, STATE, "state", F_SHARED, "Enabled or Disabled")                                    \
	X_STR(X, VOLUME, STATUS, "status", F_INDEX | F_SHARED, "NotInstantiated, Creating, Ready, Migrating or Deleted") \
	X_DATES(X, VOLUME)                                                                                   \
	X_BOOL(X, VOLUME, IS_SHAREABLE, "isShareable", "true: can be attached to several VMs at once")       \
	X(VOLUME, HOST_UUID, "hostUuid", FIELD_STRING, F_FILE | F_INDEX | F_SHARED, KIND_HOST, 0, 0,         \
	  "host that has it in a local folder; empty on storage that hosts share")                                                              \
	X(VOLUME, BANDWIDTH, "volumeBandwidth", FIELD_LONG, F_HIDDEN, KIND_NONE, 0, 0, "byte/s")             \
	X_ACCOUNT(X, VOLUME)                                                                                 \
	X(VOLUME, NEXT_PATH, "nextPath", FIELD_STRING, F_HIDDEN, KIND_NONE, 0, 0,                            \
	  "file that a job is switching the volume to, see snapshot.h")                                     \
	X(VOLUME, NEXT_SIZE, "nextSize", FIELD_LONG, F_HIDDEN | F_NOWRITE, KIND_NONE, 0, 0,                  \
	  "size that a job is enlarging the volume to, bytes; counts for the quota from then on")            \
	X(VOLUME, DOMAIN_TARGET, "domainTarget", FIELD_STRING, F_HIDDEN, KIND_NONE, 0, 0,                    \
	  "which disk of an adopted domain it is")                                                            \
	X(VOLUME, MERGE_PATH, "mergePath", FIELD_STRING, F_HIDDEN, KIND_NONE, 0, 0,                          \
	  "file that its head stood on when a merge began that may not be on the disk, see merge.h")

/* A file on primary storage that does not, or no longer, belong to a volume, snapshot or image (storage/orphan_file.h). */
#define ORPHAN_FILE_FIELDS(X)                                                                                 \
	X_UUID(X, ORPHAN_FILE)                                                                                \
	X_REF(X, ORPHAN_FILE, PRIMARY_STORAGE_UUID, "primaryStorageUuid", F_INDEX | F_SHARED, KIND_PRIMARY_STORAGE, "") \
	X_REF(X, ORPHAN_FILE, HOST_UUID, "hostUuid", F_SHARED, KIND_HOST, "host that has it in a local folder") \
	X_STR(X, ORPHAN_FILE, FILE_NAME, "fileName", F_INDEX, "its name in the folder of the storage")        \
	X_REF(X, ORPHAN_FILE, JOB_UUID, "jobUuid", F_INDEX, KIND_JOB, "job that creates it; empty = to be removed")

/* The document last written to the `spec` of an object and fulfilled since (actions/spec.h). */
#define SPEC_FIELDS(X)                                                                                       \
	X_UUID(X, SPEC)                                                                                      \
	X_STR(X, SPEC, RESOURCE_UUID, "resourceUuid", F_INDEX, "object it describes")                        \
	X_STR(X, SPEC, TEXT, "text", 0, "content of the document")

/* Another object in whose queue a job is until it ends, for jobs in more than two queues. */
#define QUEUE_REF_FIELDS(X)                                                                                  \
	X_UUID(X, QUEUE_REF)                                                                                 \
	X_REF(X, QUEUE_REF, JOB_UUID, "jobUuid", F_INDEX, KIND_JOB, "the job")                               \
	X_STR(X, QUEUE_REF, OBJECT_UUID, "objectUuid", F_INDEX, "the object")

/* File names of api-jobs/<job>/ (tree.md 1). */
#define JOB_FIELDS(X)                                                                                        \
	X_UUID(X, JOB)                                                                                       \
	X_STR(X, JOB, STATE, "state", F_INDEX | F_SHARED, "Queued, Processing, Done, Failed or Cancelled")   \
	X(JOB, PROGRESS, "progress", FIELD_INT, F_NOWRITE, KIND_NONE, 0, 0, "percent")                       \
	X_STR(X, JOB, OPERATION, "operation", F_SHARED, "name of the operation in the manual")               \
	X_STR(X, JOB, RESOURCE, "resource", 0, "object it acts on, as a path in the mount")                  \
	X_STR(X, JOB, REQUEST, "request", F_COMPRESSED | F_LEAVES, "the request without secrets")                               \
	X_STR(X, JOB, RESULT, "result", F_COMPRESSED | F_LEAVES, "the answer as in REST")                                       \
	X_STR(X, JOB, ERROR, "error", 0, "the error object; empty on success")                               \
	X(JOB, CREATED, "created", FIELD_DATE, 0, KIND_NONE, 0, 0, "time of acceptance")                     \
	X(JOB, STARTED, "started", FIELD_DATE, 0, KIND_NONE, 0, 0, "time of the start")                      \
	X(JOB, FINISHED, "finished", FIELD_DATE, 0, KIND_NONE, 0, 0, "time of the end")                      \
	X_STR(X, JOB, RESOURCE_UUID, "resourceUuid", F_INDEX | F_HIDDEN, "uuid of that object")              \
	X_STR(X, JOB, QUEUE, "queue", F_INDEX | F_HIDDEN, "object in whose queue it is until it ends")       \
	X_STR(X, JOB, QUEUE2, "queue2", F_INDEX | F_HIDDEN, "second object in whose queue it is")            \
	X_STR(X, JOB, SECRET_REQUEST, "secretRequest", F_HIDDEN | F_SECRET | F_COMPRESSED, "the request as received")       \
	X(JOB, CANCEL, "cancel", FIELD_BOOL, F_HIDDEN, KIND_NONE, 0, 0, "true: cancellation requested")      \
	X_STR(X, JOB, DIGEST, "digest", F_HIDDEN | F_COMPRESSED | F_LEAVES, "SHA-256 of the bytes of the request") \
	X_STR(X, JOB, SOURCE, "source", F_FILE | F_SHARED, "fs, rest, scheduler, ha or libvirt")             \
	X(JOB, UID, "uid", FIELD_LONG, F_FILE, KIND_NONE, 0, 0, "user id of the caller")                     \
	X(JOB, ACCOUNT_UUID, "accountUuid", FIELD_STRING, F_FILE | F_SHARED, KIND_ACCOUNT, 0, 0, "account on whose behalf it acts") \
	X(JOB, DEADLINE, "deadline", FIELD_DATE, F_FILE, KIND_NONE, 0, 0, "time after which it fails")       \
	X_STR(X, JOB, WEB_HOOK, "webHook", F_INDEX | F_HIDDEN, "URL to notify of the end")                             \
	X(JOB, SCHEMA, "schema", FIELD_BOOL, F_HIDDEN, KIND_NONE, 0, 0, "true: what the web hook gets has a schema") \
	X_STR(X, JOB, LONG_JOB_UUID, "longJobUuid", F_INDEX | F_HIDDEN, "the long job that it runs")         \
	X_STR(X, JOB, LONG_JOB, "longJob", F_HIDDEN | F_COMPRESSED, "what that was submitted with") \
	X(JOB, RESTARTS, "restarts", FIELD_INT, F_FILE, KIND_NONE, 0, 0, "how often the daemon ended while it ran")

/* Not stored: each is made of the job that runs it (actions/engine/long_job.h). */
#define LONG_JOB_FIELDS(X)                                                                                   \
	X_UUID(X, LONG_JOB) X_NAME(X, LONG_JOB) X_DESC(X, LONG_JOB)                                          \
	X_REF(X, LONG_JOB, API_ID, "apiId", 0, KIND_JOB, "the job that runs it, of which there is progress") \
	X_STR(X, LONG_JOB, JOB_NAME, "jobName", F_SHARED, "the operation, as APIAddImageMsg")                \
	X_STR(X, LONG_JOB, JOB_DATA, "jobData", 0, "its parameters as JSON, without secrets")                \
	X_STR(X, LONG_JOB, JOB_RESULT, "jobResult", 0, "the result or the error as JSON, once it has ended") \
	X_STR(X, LONG_JOB, STATE, "state", F_SHARED, "Waiting, Running, Canceling, Succeeded, Failed or Canceled") \
	X_STR(X, LONG_JOB, TARGET_RESOURCE_UUID, "targetResourceUuid", 0, "the object that it is about")     \
	X_STR(X, LONG_JOB, MANAGEMENT_NODE_UUID, "managementNodeUuid", F_SHARED, "the node that runs it")    \
	X_DATES(X, LONG_JOB)                                                                                 \
	X_LONG(X, LONG_JOB, EXECUTE_TIME, "executeTime", "seconds that it took, once it has ended")          \
	X_ACCOUNT(X, LONG_JOB)

/* What lets an account reach the console of a VM through poolfs-rest. The uuid is the token. */
#define CONSOLE_ACCESS_FIELDS(X)                                                                             \
	X_UUID(X, CONSOLE_ACCESS)                                                                            \
	X_REF(X, CONSOLE_ACCESS, VM_UUID, "vmInstanceUuid", F_INDEX, KIND_VM, "")                            \
	X_REF(X, CONSOLE_ACCESS, ACCOUNT_UUID, "accountUuid", F_SHARED, KIND_ACCOUNT, "")                    \
	X(CONSOLE_ACCESS, EXPIRED_DATE, "expiredDate", FIELD_DATE, 0, KIND_NONE, 0, 0, "")

#define ACCOUNT_FIELDS(X)                                                                                    \
	X_UUID(X, ACCOUNT) X_NAME(X, ACCOUNT) X_DESC(X, ACCOUNT)                                             \
	X_STR(X, ACCOUNT, TYPE, "type", F_SHARED, "SystemAdmin or Normal")                                   \
	X_DATES(X, ACCOUNT)                                                                                  \
	X_STR(X, ACCOUNT, PASSWORD_HASH, "passwordHash", F_HIDDEN | F_SECRET, "argon2id of the hexadecimal SHA-512") \
	X_STR(X, ACCOUNT, LOGIN_ADDRESSES, "loginAddresses", F_HIDDEN | F_NOWRITE, "where it has logged in from, newest first") \
	X_STR(X, ACCOUNT, UNIX_USERS, "unixUsers", F_FILE, "local users and @group who are this account, see README") \
	X_STR(X, ACCOUNT, UNIX_UID, "unixUid", F_HIDDEN | F_INDEX, "number of the user who owns its files") \
	X_STR(X, ACCOUNT, UNIX_GID, "unixGid", F_HIDDEN | F_INDEX, "number of the group of its files") \
	X(ACCOUNT, CLOSED, "closed", FIELD_BOOL, F_HIDDEN, KIND_NONE, 0, 0, "true: it is being deleted")

/* An object that its owner lets others see and use: one account, or all (account/sharing.h). */
#define SHARED_FIELDS(X)                                                                                     \
	X_UUID(X, SHARED)                                                                                    \
	X_REF(X, SHARED, OWNER_UUID, "ownerAccountUuid", F_SHARED, KIND_ACCOUNT, "account that owns the object") \
	X_REF(X, SHARED, RECEIVER_UUID, "receiverAccountUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_ACCOUNT, \
	      "account that it is shared with; empty when it is shared with all")                            \
	X_BOOL(X, SHARED, TO_PUBLIC, "toPublic", "true: shared with all accounts")                           \
	X_STR(X, SHARED, RESOURCE_TYPE, "resourceType", F_SHARED, "kind of the object")                      \
	X_STR(X, SHARED, RESOURCE_UUID, "resourceUuid", F_INDEX, "object that is shared")                    \
	X_DATES(X, SHARED)                                                                                   \
	X_STR(X, SHARED, KEY, "key", F_HIDDEN | F_INDEX, "object and receiver, see access.h")

/* Made when they are asked for, from the owners of objects; the uuid is that of the object. */
#define RESOURCE_REF_FIELDS(X)                                                                               \
	X(RESOURCE_REF, UUID, "uuid", FIELD_STRING, F_INDEX | F_HIDDEN, KIND_NONE, 0, 0, "32 lower-case hex digits") \
	X_REF(X, RESOURCE_REF, ACCOUNT_UUID, "accountUuid", F_SHARED, KIND_ACCOUNT, "account that has the object") \
	X_REF(X, RESOURCE_REF, OWNER_UUID, "ownerAccountUuid", F_SHARED, KIND_ACCOUNT, "account that owns it: the same") \
	X_STR(X, RESOURCE_REF, RESOURCE_UUID, "resourceUuid", F_INDEX, "the object")                         \
	X_STR(X, RESOURCE_REF, RESOURCE_TYPE, "resourceType", F_SHARED, "kind of the object")                \
	X_INT(X, RESOURCE_REF, PERMISSION, "permission", "2: to read and to write")                          \
	X_BOOL(X, RESOURCE_REF, IS_SHARED, "isShared", "true: others may use it")                            \
	X_DATES(X, RESOURCE_REF)

#define QUOTA_FIELDS(X)                                                                                      \
	X_UUID(X, QUOTA) X_NAME(X, QUOTA)                                                                    \
	X_REF(X, QUOTA, IDENTITY_UUID, "identityUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_ACCOUNT, "account that it limits") \
	X_STR(X, QUOTA, IDENTITY_TYPE, "identityType", 0, "AccountVO")                                       \
	X_LONG(X, QUOTA, VALUE, "value", "the most that the account may have; a number, or bytes")           \
	X_DATES(X, QUOTA)

#define SESSION_FIELDS(X)                                                                                    \
	X_UUID(X, SESSION)                                                                                   \
	X_REF(X, SESSION, ACCOUNT_UUID, "accountUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_ACCOUNT, "account") \
	X_STR(X, SESSION, USER_UUID, "userUuid", 0, "user")                                                  \
	X(SESSION, EXPIRED_DATE, "expiredDate", FIELD_DATE, 0, KIND_NONE, 0, 0, "time of expiry")            \
	X(SESSION, CREATE_DATE, "createDate", FIELD_DATE, 0, KIND_NONE, 0, 0, "time of the login")

/* See account/access_key.h. */
#define ACCESS_KEY_FIELDS(X)                                                                                 \
	X_UUID(X, ACCESS_KEY) X_DESC(X, ACCESS_KEY)                                                          \
	X_REF(X, ACCESS_KEY, ACCOUNT_UUID, "accountUuid", F_INDEX | F_FOREIGN | F_SHARED, KIND_ACCOUNT, "its account") \
	X_STR(X, ACCESS_KEY, USER_UUID, "userUuid", 0, "its user")                                           \
	X_STR(X, ACCESS_KEY, ID, "AccessKeyID", F_INDEX, "names the key in signed requests")                 \
	X_STR(X, ACCESS_KEY, STATE, "state", F_SHARED, "Enabled or Disabled")                                \
	X_DATES(X, ACCESS_KEY)                                                                               \
	X_STR(X, ACCESS_KEY, SECRET, "AccessKeySecret", F_HIDDEN | F_SECRET, "what signatures are made with")

#define SYSTEM_TAG_FIELDS(X)                                                                                 \
	X_UUID(X, SYSTEM_TAG) X_BOOL(X, SYSTEM_TAG, INHERENT, "inherent", "true: maintained by the pool")    \
	X_STR(X, SYSTEM_TAG, RESOURCE_UUID, "resourceUuid", F_INDEX, "tagged object")                        \
	X_STR(X, SYSTEM_TAG, RESOURCE_TYPE, "resourceType", F_SHARED, "kind of the tagged object")           \
	X_STR(X, SYSTEM_TAG, TAG, "tag", F_INDEX | F_SHARED, "the tag")                                      \
	X_STR(X, SYSTEM_TAG, TYPE, "type", F_SHARED, "System")                                               \
	X_DATES(X, SYSTEM_TAG)

#define USER_TAG_FIELDS(X)                                                                                   \
	X_UUID(X, USER_TAG)                                                                                  \
	X_STR(X, USER_TAG, RESOURCE_UUID, "resourceUuid", F_INDEX, "tagged object")                          \
	X_STR(X, USER_TAG, RESOURCE_TYPE, "resourceType", F_SHARED, "kind of the tagged object")             \
	X_STR(X, USER_TAG, TAG, "tag", F_INDEX | F_SHARED, "the tag")                                        \
	X_STR(X, USER_TAG, TYPE, "type", F_SHARED, "User")                                                   \
	X_DATES(X, USER_TAG)                                                                                 \
	X_REF(X, USER_TAG, PATTERN_UUID, "tagPatternUuid", F_INDEX | F_SHARED, KIND_TAG_PATTERN,             \
	      "the resource tag that it is, if it was attached as one")

#define TAG_PATTERN_FIELDS(X)                                                                                \
	X_UUID(X, TAG_PATTERN) X_NAME(X, TAG_PATTERN)                                                        \
	X_STR(X, TAG_PATTERN, VALUE, "value", 0, "the text of what is attached, perhaps with tokens: os::{name}") \
	X_DESC(X, TAG_PATTERN)                                                                               \
	X_STR(X, TAG_PATTERN, COLOR, "color", 0, "free text, at most 32 characters")                         \
	X_STR(X, TAG_PATTERN, TYPE, "type", F_SHARED, "simple or withToken")                                 \
	X_DATES(X, TAG_PATTERN)                                                                              \
	X_ACCOUNT(X, TAG_PATTERN)

#define GLOBAL_CONFIG_FIELDS(X)                                                                              \
	X(GLOBAL_CONFIG, UUID, "uuid", FIELD_STRING, F_INDEX | F_HIDDEN, KIND_NONE, 0, 0, "")                \
	X_NAME(X, GLOBAL_CONFIG)                                                                             \
	X_STR(X, GLOBAL_CONFIG, CATEGORY, "category", F_INDEX, "category of the setting")                    \
	X_STR(X, GLOBAL_CONFIG, DESCRIPTION, "description", 0, "purpose of the setting")                     \
	X_STR(X, GLOBAL_CONFIG, VALUE, "value", 0, "current value")                                          \
	X_STR(X, GLOBAL_CONFIG, DEFAULT_VALUE, "defaultValue", 0, "default value")

#define SNAPSHOT_FIELDS(X)                                                                                   \
	X_UUID(X, SNAPSHOT) X_NAME(X, SNAPSHOT) X_DESC(X, SNAPSHOT)                                          \
	X_STR(X, SNAPSHOT, TYPE, "type", F_SHARED, "Hypervisor or Storage")                                  \
	X_REF(X, SNAPSHOT, VOLUME_UUID, "volumeUuid", F_INDEX, KIND_VOLUME, "volume it was taken from")      \
	X_REF(X, SNAPSHOT, TREE_UUID, "treeUuid", F_INDEX | F_OWNER, KIND_SNAPSHOT_TREE, "its tree")         \
	X_REF(X, SNAPSHOT, PARENT_UUID, "parentUuid", F_INDEX, KIND_SNAPSHOT, "preceding snapshot")          \
	X_REF(X, SNAPSHOT, PRIMARY_STORAGE_UUID, "primaryStorageUuid", F_INDEX | F_SHARED, KIND_PRIMARY_STORAGE, \
	      "its primary storage")                                                                         \
	X_STR(X, SNAPSHOT, INSTALL_PATH, "primaryStorageInstallPath", 0, "file on the host")                 \
	X_STR(X, SNAPSHOT, VOLUME_TYPE, "volumeType", F_SHARED, "Root or Data")                              \
	X_STR(X, SNAPSHOT, FORMAT, "format", F_SHARED, "qcow2")                                              \
	X_BOOL(X, SNAPSHOT, LATEST, "latest", "true: the volume is based on this snapshot")                  \
	X_LONG(X, SNAPSHOT, SIZE, "size", "bytes")                                                           \
	X_STR(X, SNAPSHOT, STATE, "state", F_SHARED, "Enabled, or Disabled: can only be deleted")            \
	X_STR(X, SNAPSHOT, STATUS, "status", F_SHARED, "Creating, Ready or Deleting")                        \
	X_DATES(X, SNAPSHOT)                                                                                 \
	X(SNAPSHOT, VIRTUAL_SIZE, "virtualSize", FIELD_LONG, F_HIDDEN, KIND_NONE, 0, 0,                      \
	  "virtual size of the volume at that time, bytes")                                                  \
	X_REF(X, SNAPSHOT, SCHEDULER_UUID, "schedulerUuid", F_INDEX | F_FILE, KIND_SCHEDULER,                \
	      "scheduler that took it; empty for a manual snapshot")                                         \
	X_ACCOUNT(X, SNAPSHOT)                                                                               \
	X_NOTHING(X, SNAPSHOT, BACKUP_REFS, "backupStorageRefs", "its copies on backup storage: there are none") \
	X(SNAPSHOT, MERGE_PATH, "mergePath", FIELD_STRING, F_HIDDEN, KIND_NONE, 0, 0,                        \
	  "file that its file stood on when a merge began that may not be on the disk, see merge.h")

#define SNAPTREE_FIELDS(X)                                                                                   \
	X_UUID(X, SNAPTREE)                                                                                  \
	X_REF(X, SNAPTREE, VOLUME_UUID, "volumeUuid", F_INDEX, KIND_VOLUME, "volume it belongs to")          \
	X_BOOL(X, SNAPTREE, CURRENT, "current", "true: the volume is based on a snapshot of this tree")      \
	X(SNAPTREE, TREE, "tree", FIELD_TREE, 0, KIND_SNAPSHOT, SNAPSHOT_TREE_UUID, SNAPSHOT_PARENT_UUID,    \
	  "its snapshots, each with those that follow it")                                                   \
	X_DATES(X, SNAPTREE)

#define SHAREABLE_REF_FIELDS(X)                                                                              \
	X_UUID(X, SHAREABLE_REF)                                                                             \
	X_REF(X, SHAREABLE_REF, VOLUME_UUID, "volumeUuid", F_INDEX, KIND_VOLUME, "volume")                   \
	X_REF(X, SHAREABLE_REF, VM_UUID, "vmInstanceUuid", F_INDEX, KIND_VM, "VM")                           \
	X_INT(X, SHAREABLE_REF, DEVICE_ID, "deviceId", "device number in that VM")                           \
	X_DATES(X, SHAREABLE_REF)

#define AFFINITY_GROUP_FIELDS(X)                                                                             \
	X_UUID(X, AFFINITY_GROUP) X_NAME(X, AFFINITY_GROUP) X_DESC(X, AFFINITY_GROUP)                        \
	X_STR(X, AFFINITY_GROUP, POLICY, "policy", 0, "ANTISOFT, ANTIHARD, PROSOFT or PROHARD")                                \
	X_STR(X, AFFINITY_GROUP, VERSION, "version", 0, "1.0")                                               \
	X_STR(X, AFFINITY_GROUP, TYPE, "type", F_SHARED, "HOST")                                             \
	X_STR(X, AFFINITY_GROUP, APPLIANCE, "appliance", 0, "CUSTOMER, or VROUTER for those of the system")  \
	X_STR(X, AFFINITY_GROUP, STATE, "state", F_SHARED, "Enabled or Disabled")                            \
	X_DATES(X, AFFINITY_GROUP)                                                                           \
	X(AFFINITY_GROUP, USAGES, "usages", FIELD_CHILDREN, 0, KIND_AFFINITY_USAGE, AFFINITY_USAGE_GROUP_UUID, 0, \
	  "its members")                                                                                     \
	X_ACCOUNT(X, AFFINITY_GROUP)

#define AFFINITY_USAGE_FIELDS(X)                                                                             \
	X_UUID(X, AFFINITY_USAGE)                                                                            \
	X_REF(X, AFFINITY_USAGE, GROUP_UUID, "affinityGroupUuid", F_INDEX | F_FOREIGN | F_OWNER,             \
	      KIND_AFFINITY_GROUP, "group")                                                                  \
	X_STR(X, AFFINITY_USAGE, RESOURCE_UUID, "resourceUuid", F_INDEX, "member")                           \
	X_STR(X, AFFINITY_USAGE, RESOURCE_TYPE, "resourceType", F_SHARED, "VmInstanceVO")                    \
	X_DATES(X, AFFINITY_USAGE)

#define SCHEDULER_FIELDS(X)                                                                                  \
	X_UUID(X, SCHEDULER)                                                                                 \
	X_STR(X, SCHEDULER, TARGET_UUID, "targetResourceUuid", F_INDEX, "VM or volume it acts on")           \
	X_STR(X, SCHEDULER, NAME, "schedulerName", F_INDEX, "name")                                          \
	X_STR(X, SCHEDULER, JOB, "schedulerJob", 0, "action")                                                \
	X_STR(X, SCHEDULER, TYPE, "schedulerType", 0, "simple or cron")                                      \
	X_INT(X, SCHEDULER, INTERVAL, "schedulerInterval", "seconds between runs")                           \
	X_INT(X, SCHEDULER, REPEAT_COUNT, "repeatCount", "number of runs; empty = unlimited")                \
	X_STR(X, SCHEDULER, CRON, "cronScheduler", 0, "Quartz cron expression")                              \
	X(SCHEDULER, START_TIME, "startTime", FIELD_DATE, 0, KIND_NONE, 0, 0, "time of the first run")       \
	X(SCHEDULER, STOP_TIME, "stopTime", FIELD_DATE, 0, KIND_NONE, 0, 0, "no runs after this time")       \
	X_DATES(X, SCHEDULER)                                                                                \
	X_STR(X, SCHEDULER, JOB_CLASS, "jobClassName", 0, "class name of the action")                        \
	X_STR(X, SCHEDULER, STATE, "state", F_SHARED,                                                        \
	      "Enabled, Disabled, Completed (no run is left) or Suspended (the state of its object forbids runs)") \
	X(SCHEDULER, DESCRIPTION, "schedulerDescription", FIELD_STRING, F_FILE, KIND_NONE, 0, 0, "free text") \
	X(SCHEDULER, SNAPSHOT_MAX_NUMBER, "snapshotMaxNumber", FIELD_INT, F_FILE, KIND_NONE, 0, 0,           \
	  "number of its snapshots to keep, 0 = all")                                                        \
	X(SCHEDULER, PARAMETERS, "parameters", FIELD_STRING, F_HIDDEN, KIND_NONE, 0, 0, "parameters of its action") \
	X(SCHEDULER, RUNS, "runs", FIELD_LONG, F_FILE | F_NOWRITE, KIND_NONE, 0, 0, "number of runs so far") \
	X(SCHEDULER, NEXT_TIME, "nextTime", FIELD_DATE, F_FILE | F_NOWRITE, KIND_NONE, 0, 0,                 \
	  "time of the next run; empty when there is none")                                                  \
	X(SCHEDULER, LAST_TIME, "lastTime", FIELD_DATE, F_FILE | F_NOWRITE, KIND_NONE, 0, 0, "time of the latest run") \
	X_ACCOUNT(X, SCHEDULER)                                                                              \
	X_REF(X, SCHEDULER, OF_JOB, "schedulerJobUuid", F_INDEX | F_FILE | F_OWNER, KIND_SCHEDULER_JOB,      \
	      "scheduler job that it runs; empty when it was created by itself")                             \
	X_REF(X, SCHEDULER, OF_TRIGGER, "schedulerTriggerUuid", F_INDEX | F_FILE | F_OWNER,                    \
	      KIND_SCHEDULER_TRIGGER,                                                                        \
	      "trigger that says when it runs; empty when it was created by itself")

/* What later versions of the manual's server make of a scheduler: see schedule/linked.h. */
#define SCHED_JOB_FIELDS(X)                                                                                  \
	X_UUID(X, SCHED_JOB)                                                                                 \
	X_STR(X, SCHED_JOB, TARGET_UUID, "targetResourceUuid", F_INDEX, "VM or volume it acts on")           \
	X_NAME(X, SCHED_JOB) X_DESC(X, SCHED_JOB)                                                            \
	X_STR(X, SCHED_JOB, STATE, "state", F_SHARED, "Enabled or Disabled")                                 \
	X_DATES(X, SCHED_JOB)                                                                                \
	X_STR(X, SCHED_JOB, DATA, "jobData", F_SHARED, "its parameters, as JSON")                            \
	X_STR(X, SCHED_JOB, CLASS, "jobClassName", F_SHARED, "class name of the action")                     \
	X(SCHED_JOB, TRIGGERS, "triggersUuid", FIELD_VALUES, 0, KIND_SCHEDULER, SCHEDULER_OF_JOB,            \
	  SCHEDULER_OF_TRIGGER, "triggers that start it")                                                    \
	X_NOTHING(X, SCHED_JOB, GROUPS, "schedulerJobGroupUuids", "groups of jobs: there are none")          \
	X_STR(X, SCHED_JOB, TYPE, "type", F_FILE | F_SHARED, "startVm, stopVm, rebootVm or volumeSnapshot")  \
	X_ACCOUNT(X, SCHED_JOB)

#define TRIGGER_FIELDS(X)                                                                                    \
	X_UUID(X, TRIGGER) X_NAME(X, TRIGGER) X_DESC(X, TRIGGER)                                             \
	X_STR(X, TRIGGER, CRON, "cron", 0, "Quartz cron expression")                                         \
	X_STR(X, TRIGGER, TYPE, "schedulerType", F_SHARED, "simple or cron")                                 \
	X_INT(X, TRIGGER, INTERVAL, "schedulerInterval", "seconds between runs")                             \
	X_INT(X, TRIGGER, REPEAT_COUNT, "repeatCount", "number of runs; 0 = unlimited")                      \
	X(TRIGGER, START_TIME, "startTime", FIELD_DATE, 0, KIND_NONE, 0, 0,                                  \
	  "time of the first run; empty: when a job is added")                                               \
	X(TRIGGER, STOP_TIME, "stopTime", FIELD_DATE, 0, KIND_NONE, 0, 0, "no runs after this time")         \
	X_DATES(X, TRIGGER)                                                                                  \
	X(TRIGGER, JOBS, "jobsUuid", FIELD_VALUES, 0, KIND_SCHEDULER, SCHEDULER_OF_TRIGGER, SCHEDULER_OF_JOB, \
	  "scheduler jobs that it starts")                                                                   \
	X_NOTHING(X, TRIGGER, GROUPS, "jobGroupsUuid", "groups of jobs: there are none")                     \
	X_ACCOUNT(X, TRIGGER)

/* clang-format on */

#define FIELD_ENUMERATOR(P, ID, ...) P##_##ID,
#define FIELD_ENUM(name, LIST)	     enum name { LIST(FIELD_ENUMERATOR) name##_count };

FIELD_ENUM(zone_field, ZONE_FIELDS)
FIELD_ENUM(cluster_field, CLUSTER_FIELDS)
FIELD_ENUM(host_field, HOST_FIELDS)
FIELD_ENUM(primary_storage_field, PRIMARY_STORAGE_FIELDS)
FIELD_ENUM(cluster_ps_field, CLUSTER_PS_FIELDS)
FIELD_ENUM(backup_storage_field, BACKUP_STORAGE_FIELDS)
FIELD_ENUM(zone_bs_field, ZONE_BS_FIELDS)
FIELD_ENUM(l2_field, L2_FIELDS)
FIELD_ENUM(cluster_l2_field, CLUSTER_L2_FIELDS)
FIELD_ENUM(l3_field, L3_FIELDS)
FIELD_ENUM(l3_dns_field, L3_DNS_FIELDS)
FIELD_ENUM(ip_range_field, IP_RANGE_FIELDS)
FIELD_ENUM(image_field, IMAGE_FIELDS)
FIELD_ENUM(image_ref_field, IMAGE_REF_FIELDS)
FIELD_ENUM(image_cache_field, IMAGE_CACHE_FIELDS)
FIELD_ENUM(instance_offering_field, INSTANCE_OFFERING_FIELDS)
FIELD_ENUM(disk_offering_field, DISK_OFFERING_FIELDS)
FIELD_ENUM(vm_field, VM_FIELDS)
FIELD_ENUM(nic_field, NIC_FIELDS)
FIELD_ENUM(volume_field, VOLUME_FIELDS)
FIELD_ENUM(orphan_file_field, ORPHAN_FILE_FIELDS)
FIELD_ENUM(job_field, JOB_FIELDS)
FIELD_ENUM(account_field, ACCOUNT_FIELDS)
FIELD_ENUM(shared_field, SHARED_FIELDS)
FIELD_ENUM(quota_field, QUOTA_FIELDS)
FIELD_ENUM(resource_ref_field, RESOURCE_REF_FIELDS)
FIELD_ENUM(session_field, SESSION_FIELDS)
FIELD_ENUM(system_tag_field, SYSTEM_TAG_FIELDS)
FIELD_ENUM(user_tag_field, USER_TAG_FIELDS)
FIELD_ENUM(global_config_field, GLOBAL_CONFIG_FIELDS)
FIELD_ENUM(snapshot_field, SNAPSHOT_FIELDS)
FIELD_ENUM(snaptree_field, SNAPTREE_FIELDS)
FIELD_ENUM(shareable_ref_field, SHAREABLE_REF_FIELDS)
FIELD_ENUM(affinity_group_field, AFFINITY_GROUP_FIELDS)
FIELD_ENUM(affinity_usage_field, AFFINITY_USAGE_FIELDS)
FIELD_ENUM(scheduler_field, SCHEDULER_FIELDS)
FIELD_ENUM(spec_field, SPEC_FIELDS)
FIELD_ENUM(queue_ref_field, QUEUE_REF_FIELDS)
FIELD_ENUM(access_key_field, ACCESS_KEY_FIELDS)
FIELD_ENUM(image_export_field, IMAGE_EXPORT_FIELDS)
FIELD_ENUM(tag_pattern_field, TAG_PATTERN_FIELDS)
FIELD_ENUM(sched_job_field, SCHED_JOB_FIELDS)
FIELD_ENUM(trigger_field, TRIGGER_FIELDS)
FIELD_ENUM(long_job_field, LONG_JOB_FIELDS)
FIELD_ENUM(console_access_field, CONSOLE_ACCESS_FIELDS)

#endif
