/*-------------------------------------------------------------------------
 *
 * trigger_fdw.h
 *		Version of the extension.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_FDW_H
#define TRIGGER_FDW_H

#ifndef TRIGGER_FDW_VERSION
#define TRIGGER_FDW_VERSION "0.1"
#endif

#endif							/* TRIGGER_FDW_H */
