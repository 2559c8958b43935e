/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that only boards without versions have: nobody promises that they migrate.
 *
 * QEMU keeps migration for versioned machines (pc, q35, virt, pseries, s390-ccw-virtio). Parts of
 * systems on a chip, and of single boards, are in none of these. What cannot be told for sure is
 * not here: the PrimeCell parts that virt has as well (pl011, pl031, pl061), interrupt controllers,
 * flash, and what can be plugged into a bus.
 */
#include <stddef.h>
#include <string.h>

#include <guestscope/devstate/check.h>

/* What types of devices begin with. */
static const char *const families[] = {
	/* Allwinner, Aspeed, Broadcom, Nuvoton */
	"allwinner-",
	"aw-h3-",
	"aspeed.",
	"aspeed-",
	"ftgmac100",
	"bcm2835",
	"bcm2836",
	"bcm2838",
	"dwc2-usb",
	"npcm7xx",
	"npcm8xx",
	"npcm_",
	/* Freescale and NXP */
	"imx",
	"fsl-imx",
	"fsl,imx",
	"designware-pcie-",
	"usb-chipidea",
	/* Samsung, Texas Instruments, Intel XScale, Marvell */
	"exynos4210",
	"s3c-sdhci",
	"omap",
	"pxa2",
	"strongarm",
	"corgi-ssp",
	"spitz-",
	"scoop",
	"sl-nand",
	"mainstone-",
	"mv88w8618",
	"musicpal",
	/* Xilinx and Calxeda */
	"cadence_",
	"xilinx-zynq",
	"xlnx.",
	"xlnx,",
	"xlnx-zyn",
	"highbank-",
	"xgmac",
	/* Arm's own boards */
	"a9-scu",
	"arm_mptimer",
	"arm.cortex-a9-global-timer",
	"armsse-",
	"armv7m",
	"cmsdk-",
	"icp-ctrl-regs",
	"integrator",
	"iotkit",
	"l2x0",
	"lan9118",
	"mps2-",
	"mps3-",
	"pl190",
	"realview",
	"smc91c111",
	"sp804",
	"sse-",
	"tz-",
	"versatile",
	/* Microcontrollers */
	"digic",
	"luminary",
	"pl011_luminary",
	"pl061_luminary",
	"stellaris",
	"microbit",
	"nrf51_soc",
	"msf2-",
	"mss-",
	"stm32",
};

bool gs_devstate_is_unversioned(const char *type)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		if (strncmp(type, families[i], strlen(families[i])) == 0)
			return true;
	}
	return false;
}
